"""What is known about the images behind a detector and its evaluation: the facts of a checklist's items on data.

Each function takes the facts and returns sentences; an empty text where nothing is recorded.
"""

from melanoma_detect import taxonomy
from melanoma_detect.inference.image_types import IMAGE_TYPES, TYPE_PLURALS
from melanoma_detect.report import checklist_model_facts as model_facts
from melanoma_detect.report.checklist_facts import (
    Facts,
    describe_positives,
    describe_seen,
    describe_units,
    join,
    sentence,
)
from melanoma_detect.utils.counts import count_noun


def sources(facts: Facts) -> str:
    """Where the images come from."""
    images = facts.config.recipe.get("images")
    known = facts.note("image", "source", "data")
    counted = f"{count_noun(images, 'training image')}." if isinstance(images, int) and known else ""
    return join(counted, known)


def sizes(facts: Facts) -> str:
    """How many images and lesions each analysis rests on."""
    images = facts.config.recipe.get("images")
    texts = [count_noun(images, "training image")] if isinstance(images, int) else []
    texts += [
        f"{name}: {count_noun(measured['images'], 'image')}{describe_units(measured)}{describe_positives(measured)}"
        f"{describe_seen(measured)}"
        for name, measured in facts.measured.items()
    ]
    return sentence("; ".join(texts)) if texts else ""


def quality_checks(facts: Facts) -> str:
    """What loading checks."""
    return (
        f"{model_facts.preprocessing(facts)} Loading a data set reads every file: unreadable files, images with "
        "contradicting labels and copies of one image in two splits are set aside, each with its reason."
    )


def outcome(facts: Facts) -> str:
    """How the true diagnoses came about."""
    return facts.note("truth", "label")


def partitions(facts: Facts) -> str:
    """How the images were split."""
    measured = facts.evaluation
    kept = bool(measured.get("seen_in_training"))
    apart = "Images of one lesion or patient, identical files and near duplicates stay in one split"
    left_out = "evaluation leaves out what the detector was trained or calibrated on, by digest, id and perceptual hash"
    return join(
        f"{apart}." if kept else f"{apart}; {left_out}.",
        f"This evaluation does NOT leave out what the detector was trained on (seen='keep'): "
        f"{count_noun(measured['images'], 'image')}{describe_seen(measured)}; it is no test on held-out images."
        if kept
        else "",
        f"Splits that were evaluated: {', '.join(facts.measured)}." if facts.measured else "",
    )


def augmented(facts: Facts) -> str:
    """Which images were made rather than taken."""
    recipe = facts.config.recipe
    return join(
        "Training images are changed at random (augmentation); their parameters are in the detector's file."
        if recipe.get("augmentation")
        else "",
        "Some are blended with another (mixup)." if recipe.get("mixup") else "",
        "Some get a part of another (CutMix)." if recipe.get("cutmix") else "",
    )


def subgroups(facts: Facts) -> str:
    """What the evaluation's table allows to compare."""
    groups = facts.evaluation.get("subgroups") or []
    kinds = list(dict.fromkeys(group["kind"] for group in groups))
    return f"The evaluation measures each {', '.join(kinds)} on its own: see its report." if kinds else ""


def skin_tone(facts: Facts) -> str:
    """What is known about skin tones."""
    measured = [group["name"] for group in facts.evaluation.get("subgroups") or [] if group["kind"] == "skin tone"]
    return join(
        facts.note("skin"),
        f"The evaluation measures each recorded skin tone on its own: {', '.join(measured)}." if measured else "",
    )


def distribution(facts: Facts) -> str:
    """How often each class occurs in the evaluation."""
    if not facts.evaluation:
        return ""
    counts = [sum(row) for row in facts.evaluation["confusion"]]
    named = zip(facts.evaluation["classes"], counts, strict=True)
    return f"In this evaluation: {', '.join(f'{label} {count}' for label, count in named)}."


def clusters(facts: Facts) -> str:
    """Whether performance was measured hospital by hospital."""
    sets = [name for name in facts.measured if name != "validation"]
    point = facts.config.operating_point(facts.config.settings)
    return join(
        f"Measured on {count_noun(len(sets), 'set')} apart: {', '.join(sets)}." if len(sets) > 1 else "",
        "The threshold was checked on each source of validation." if point and point.sources else "",
    )


def image_types(facts: Facts) -> str:
    """Which types of image the detector judges."""
    config = facts.config
    if not config.clinical and not config.referred_types:
        return ""
    judged = [TYPE_PLURALS[name] for name in IMAGE_TYPES if name not in config.referred_types]
    referred = [TYPE_PLURALS[name] for name in config.referred_types]
    return join(
        f"The detector recognises the type of an image and judges {' and '.join(judged)}.",
        f"It refers {' and '.join(referred)}." if referred else "",
    )


def acquisition(facts: Facts) -> str:
    """How the images were taken."""
    return facts.note("how images were taken", "acquisition", "device", "camera")


def predictors(facts: Facts) -> str:
    """What the model learns from."""
    height, width = facts.config.image_size
    return f"The pixels of one image ({height}×{width}, three channels) alone: no age, sex, site or history."


def no_assessor(_: Facts) -> str:
    """Nobody judges the predictors."""
    return "Not applicable: the predictors are pixels, which nobody assesses."


def missing(facts: Facts) -> str:
    """What was left out of the evaluation."""
    return join(
        "An image is either read whole or set aside with its reason; there are no missing predictors.",
        " ".join(facts.evaluation.get("notes", ())),
    )


def flow(facts: Facts) -> str:
    """From the images that came in to those that were judged."""
    measured = facts.evaluation
    if not measured:
        return ""
    came, seen = measured["images"] + measured["set_aside"], describe_seen(measured)
    aside = (
        "none set aside although seen in training" if seen else f"{measured['set_aside']} set aside, seen in training"
    )
    return (
        f"{count_noun(came, 'image')}; {aside}; {measured['images']} evaluated{seen}{',' * bool(describe_units(measured))}"
        f"{describe_units(measured)}{describe_positives(measured)}; the detector abstains from {measured['abstained']}."
    )


def classes(facts: Facts) -> str:
    """How often each class occurs, and how imbalance was handled."""
    return join(distribution(facts), model_facts.imbalance(facts))


def definitions(facts: Facts) -> str:
    """What the names of the classes mean."""
    known = {label: taxonomy.find(label) for label in facts.config.classes}
    named = [f"{label} ({diagnosis.code})" for label, diagnosis in known.items() if diagnosis]
    if not named:
        return ""
    return f"By the taxonomy of melanoma-detect, after the ISIC archive's diagnoses: {', '.join(named)}."


def histopathology(facts: Facts) -> str:
    """What is recorded about histopathology."""
    text = facts.note("truth", "label")
    return text if "histopath" in text.lower() else ""


def bias(facts: Facts) -> str:
    """What was tested about bias."""
    return join(skin_tone(facts), subgroups(facts), model_facts.shortcuts(facts))
