"""The items of TRIPOD+AI, the guideline for reports of clinical prediction models.

Collins et al., BMJ 2024;385:e078378, doi 10.1136/bmj-2023-078378 (CC BY 4.0); in our own words: 27 items, 52 with their parts.
"""

from melanoma_detect.report import checklist_data_facts as data
from melanoma_detect.report import checklist_model_facts as model
from melanoma_detect.report.checklist_facts import Items

NAME = "tripod-ai"
TITLE = "TRIPOD+AI (2024)"
CITATION = "Collins et al., BMJ 2024;385:e078378"
URL = "https://doi.org/10.1136/bmj-2023-078378"
ITEMS: Items = {
    "Title and abstract": (
        ("1", "Title: that a prediction model is developed or evaluated, for whom, and what it predicts.", model.task),
        ("2", "Abstract, by the guideline's own list for abstracts.", None),
    ),
    "Introduction": (
        ("3a", "The medical context, diagnostic or prognostic, why the model is needed, and existing models.", None),
        (
            "3b",
            "For which patients and for what the model is meant, where in their care, and its users.",
            model.intended_use,
        ),
        ("3c", "Known inequalities of health between groups of people.", None),
        ("4", "Aims: development, evaluation or both.", model.task),
    ),
    "Methods": (
        (
            "5a",
            "Sources of the data for development and evaluation, why these, and whom they represent.",
            data.sources,
        ),
        ("5b", "Dates between which the data were collected.", None),
        ("6a", "Setting: kind of care, number and places of the centres.", None),
        ("6b", "Who was eligible.", None),
        ("6c", "Treatments, and how they were handled.", None),
        ("7", "Preparation and quality checks of the data, and whether alike in all groups.", data.quality_checks),
        ("8a", "The outcome: its definition, how and when it was assessed, why this one.", data.outcome),
        ("8b", "Who assessed outcomes that are a matter of judgement.", None),
        ("8c", "Whether they were assessed blind.", None),
        ("9a", "How predictors were chosen.", data.predictors),
        ("9b", "Definition of the predictors: how and when they were measured.", data.acquisition),
        ("9c", "Who assessed predictors that are a matter of judgement.", data.no_assessor),
        ("10", "How the sample size came about, and why it suffices.", None),
        ("11", "How missing data were handled, and what was left out and why.", data.missing),
        ("12a", "How the data were used: partitions for development and evaluation.", data.partitions),
        ("12b", "How predictors were transformed or rescaled.", model.preprocessing),
        ("12c", "Type of the model, its building and tuning, and the internal validation.", model.model),
        ("12d", "How differences between clusters, such as hospitals, were handled and measured.", data.clusters),
        ("12e", "Measures and plots of performance, and why these.", model.measures),
        ("12f", "Updating of the model that arose from the evaluation.", model.updating),
        ("12g", "How predictions were computed in the evaluation.", model.computed),
        ("13", "Methods for imbalanced classes, and recalibration after them.", model.imbalance),
        ("14", "Methods for fairness, and why these.", None),
        ("15", "The model's output, and how thresholds were set.", model.output),
        ("16", "How development and evaluation differ: setting, eligibility, outcome, predictors.", None),
        ("17", "Approval by an ethics committee, and consent or its waiver.", None),
    ),
    "Open science": (
        ("18a", "Funding, and the funders' part.", None),
        ("18b", "Conflicts of interest of the authors.", None),
        ("18c", "Where the protocol is, or that there was none.", None),
        ("18d", "Registration of the study, or that there was none.", None),
        ("18e", "Whether and where the data are available.", data.sources),
        ("18f", "Whether and where the code is available.", model.code),
    ),
    "Patient and public involvement": (("19", "How patients and the public took part, or that they did not.", None),),
    "Results": (
        ("20a", "Flow of the participants, with and without the outcome.", data.flow),
        ("20b", "Characteristics of the participants, by source and by group of people.", data.subgroups),
        ("20c", "Comparison of the evaluation's participants with those of development.", None),
        ("21", "Numbers of participants and outcomes in each analysis.", data.sizes),
        ("22", "The full model, so that others can run it, and limits of its use.", model.availability),
        ("23a", "Performance with confidence intervals, also for groups of people.", model.performance),
        ("23b", "Differences in performance between clusters.", data.clusters),
        ("24", "Results of updating the model.", model.updating),
    ),
    "Discussion": (
        ("25", "Interpretation of the results, fairness included.", None),
        ("26", "Limitations, and what they do to bias, uncertainty and generalisability.", model.limitations),
        ("27a", "How poor or missing input is handled in use.", model.poor_input),
        ("27b", "What users do with the input or the model, and what they must know.", model.interaction),
        ("27c", "Next steps of research.", None),
    ),
}
