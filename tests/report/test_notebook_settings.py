"""Views of operating points, recipes, architectures and scores."""

import subprocess
import sys
from dataclasses import replace

import melanoma_detect as md
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.operating_points import OperatingPoint
from melanoma_detect.inference.source_sensitivity import SourceSensitivity
from melanoma_detect.report.notebook_settings import detector as detector_view
from melanoma_detect.report.notebook_settings import measured_point, model_info, model_list, operating_point, recipe

POINT = OperatingPoint(
    0.95, 0.2, 0.95, 0.6, 100, 900, sensitivity_interval=(0.9, 0.98), specificity_interval=(0.5, 0.7)
)


def test_an_operating_point_shows_rates_and_what_an_alert_is_worth(read_view):
    source = SourceSensitivity("a clinic", 0.88, 50, (0.8, 0.95), decides=True)
    html = operating_point(replace(POINT, sources=(source,)))
    _, text = read_view(html)
    assert "Alert from 20.0% probability of melanoma" in text
    assert "sensitivity, of 100 melanomas 95.0% 90.0% to 98.0%" in text
    assert "sensitivity on a clinic 88.0%" in text
    assert f"1% {POINT.at_prevalence(0.01).ppv:.1%}" in text
    assert '<i style="left:90.00%;width:8.00%">' in html


def test_a_measured_point(evaluation, read_view):
    measured = evaluation.measured_points()[0]
    _, text = read_view(measured_point(measured))
    assert f"sensitivity {measured.sensitivity.value:.1%}" in text


def test_a_recipe_marks_what_differs(read_view):
    html = recipe(md.Recipe(learning_rate=0.5, augmentation=None))
    assert "<b>0.5</b>" in html
    assert "<b>10</b>" not in html
    assert "none" in read_view(html)[1]


def test_an_architecture_shows_its_options(read_view):
    info = md.model_info("cnn", input_shape=(32, 32, 3))
    _, text = read_view(model_info(info))
    assert f"{info.parameters:,} parameters" in text
    assert all(name in text for name in info.options)


def test_light_views_import_nothing_heavy():
    code = (
        "import sys, melanoma_detect.report.notebook_settings, melanoma_detect.report.notebook_prediction\n"
        "print([name for name in ('tensorflow', 'keras', 'pandas', 'sklearn', 'matplotlib', 'scipy') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_detector_shows_its_classes_and_its_threshold(detector, read_view):
    _, text = read_view(detector_view(detector))
    point = detector.operating_point
    assert all(label in text for label in detector.classes)
    assert f"All images: alert from {point.threshold:.1%} probability of melanoma" in text
    assert f"sensitivity, of {point.positives} melanomas" in text


def test_a_detector_of_two_types_shows_both_thresholds(read_view):
    _, text = read_view(detector_view(md.Detector.load()))
    assert "Dermoscopy images: alert from" in text
    assert "Clinical photographs: alert from" in text


def test_a_detector_without_a_threshold_says_what_it_does(detector, read_view):
    bare = md.Detector(replace(detector.predictor.config, calibrations={1: Calibration()}), detector.predictor.runtime)
    assert bare.operating_point is None
    assert "no alerts; every image is referred" in read_view(detector_view(bare))[1]


def test_the_list_of_architectures_is_a_table(read_view):
    models = md.list_models()
    elements, text = read_view(model_list(models))
    assert sum(tag == "tr" for tag, _ in elements) == len(models)
    assert "lesion_net" in text
    assert "Build the" not in text
    assert models._repr_html_() == model_list(models)


def test_the_title_of_a_detector_keeps_the_name_of_its_architecture(detector, read_view):
    assert read_view(detector._repr_html_())[1].startswith("cnn: 9 classes")
    assert read_view(md.Detector.load()._repr_html_())[1].startswith("Default detector: 9 classes")
    assert "scripts/" not in md.Detector.load()._repr_html_()
