"""The items of CLEAR Derm, the consensus checklist for reports of image-based artificial intelligence in dermatology.

Daneshjou et al., JAMA Dermatology 2022;158(1):90-96, doi 10.1001/jamadermatol.2021.4915; in our own words.
"""

from melanoma_detect.report import checklist_data_facts as data
from melanoma_detect.report import checklist_model_facts as model
from melanoma_detect.report.checklist_facts import Items

NAME = "clear-derm"
TITLE = "CLEAR Derm (2022)"
CITATION = "Daneshjou et al., JAMA Dermatology 2022;158:90-96"
URL = "https://doi.org/10.1001/jamadermatol.2021.4915"
ITEMS: Items = {
    "Data": (
        ("1", "Types of images: dermoscopy, clinical photographs, others.", data.image_types),
        (
            "2",
            "Artefacts in the images, such as hair, rulers or pen marks, and how they were handled.",
            model.shortcuts,
        ),
        ("3", "How the images were taken: devices, light, distance, resolution, by whom.", data.acquisition),
        ("4", "Preprocessing: cropping, resizing, changes of colour.", model.preprocessing),
        ("5", "Synthetic or augmented images, and whether they are public.", data.augmented),
        ("6", "References of the public images that were used.", data.sources),
        ("7", "Metadata of the patients: age, sex, site, place.", data.subgroups),
        ("8", "Skin tones, and how they were assessed.", data.skin_tone),
        ("9", "Biases that the choice of patients and their metadata may bring.", model.limitations),
        ("10", "How the images were split, and that no patient is on two sides.", data.partitions),
        ("11", "Numbers of images for training, validation and test.", data.sizes),
        ("12", "A test on images from elsewhere.", None),
        ("13", "Images of several vendors' devices.", None),
        ("14", "How often each class occurs, and how imbalance was handled.", data.classes),
        ("15", "Images unlike those of training, and what the model does with them.", model.unfamiliar),
    ),
    "Technique": (
        ("16", "How the images were labelled, and by whom.", data.outcome),
        ("17", "The definitions of the diagnoses.", data.definitions),
        ("18", "Whether malignant lesions were confirmed by histopathology.", data.histopathology),
        ("19", "How the algorithm was developed.", model.model),
    ),
    "Technical assessment": (
        ("20", "How others can test the algorithm.", model.availability),
        ("21", "Measures of performance.", model.performance),
        ("22", "Comparison with other methods or readers, and what is new.", None),
        ("23", "A test for bias.", data.bias),
    ),
    "Application": (
        ("24", "Uses and conditions that the algorithm is meant for.", model.intended_use),
        ("25", "What it may change for patients and those who treat them.", None),
    ),
}
