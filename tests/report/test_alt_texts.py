"""Texts in place of figures state what the figures show."""

from dataclasses import replace

import numpy as np

import melanoma_detect as md
from melanoma_detect.evaluation.bootstrap import Figure
from melanoma_detect.evaluation.evaluation import measure
from melanoma_detect.evaluation.subgroups import Subgroup
from melanoma_detect.report import alt_texts


def test_each_states_its_finding(evaluation):
    assert f"is {evaluation.figures['melanoma_auc']}; at the operating point in use" in alt_texts.roc_text(evaluation)
    right = int(evaluation.confusion.trace())
    assert alt_texts.confusion_text(evaluation).startswith(f"Confusion matrix: {right} of {len(evaluation)} images are")
    assert "most frequent confusion is" in alt_texts.confusion_text(evaluation)
    assert str(evaluation.figures["ece"]) in alt_texts.calibration_text(evaluation)
    alerts = evaluation.decision_shares()[1].alert.value
    assert f"melanoma: {alerts:.0%} alert" in alt_texts.decisions_text(evaluation)
    assert alt_texts.decision_curve_text(evaluation).startswith("Decision curve: ")
    assert str(evaluation.at_prevalence(0.02)) in alt_texts.predictive_values_text(evaluation)


def test_without_melanomas_each_says_so():
    evaluation = measure(np.array([[0.2, 0.8]]), np.array([1]), ["a"], ("wart", "nevus"))
    assert alt_texts.roc_text(evaluation).startswith("No ROC curve")
    assert alt_texts.calibration_text(evaluation) == "No calibration curve."
    assert alt_texts.decision_curve_text(evaluation) == "No decision curve."
    assert alt_texts.confusion_text(evaluation) == "Confusion matrix: 1 of 1 image are assigned to their class."


def test_the_lowest_and_the_highest_subgroup_are_named():
    parts = tuple(
        Subgroup("sex", name, 40, 30, 20, {"sensitivity": Figure(value, 0.1, 0.9, lesions)})
        for name, value, lesions in (("f", 0.8, 30), ("m", 0.4, 30), ("unknown", 0.2, 3))
    )
    text = alt_texts.subgroups_text(parts, "sensitivity")
    assert (
        text
        == "Sensitivity by subgroup: lowest for sex m, 0.400 [0.100, 0.900]; highest for sex f, 0.800 [0.100, 0.900]."
    )


def test_sets_and_comparisons(evaluation):
    other = replace(
        evaluation, per_image=replace(evaluation.per_image, probabilities=evaluation.probabilities[:, ::-1])
    )
    validation = md.ExternalValidation({"A": evaluation, "B": evaluation})
    assert alt_texts.sets_text(validation, "melanoma_auc").startswith("melanoma auc by set: the mean is ")
    compared = evaluation.compare(other, ["accuracy"])
    sure = compared.differences["accuracy"]._replace(adjusted_p_value=0.001)
    text = alt_texts.comparison_text(replace(compared, differences={"accuracy": sure}))
    assert text == f"Differences of two detectors: accuracy {sure.difference.value:+.3f} are significant."


def test_one_confusion_is_one_time():
    made = measure(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]), ["a", "b"], ("nevus", "melanoma"))
    assert alt_texts.confusion_text(made).endswith("is melanoma taken for nevus, 1 time.")
