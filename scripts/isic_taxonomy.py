"""Write `src/melanoma_detect/taxonomy/archive.tsv`: what each diagnosis of the ISIC archive means here.

The archive's hierarchy comes from the package `isic-metadata` (Kitware, Apache-2.0), which needs Python 3.12 or newer:

    pip install isic-metadata
    python scripts/isic_taxonomy.py            # writes the table
    python scripts/isic_taxonomy.py --check    # exits with status 1 if the table differs

A value means what the nearest rule says: its own, or that of the nearest parent which has one. Without a rule, the first and
second levels cover everything below them, and a value of the third level or finer is a diagnosis of its own under the name of
its third level.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

TABLE = Path(__file__).parents[1] / "src" / "melanoma_detect" / "taxonomy" / "archive.tsv"
EVERYTHING_BELOW = "*"

# Last level of a value -> a code of the nine, a coarse label, or the name of another diagnosis.
RULES = {
    # MEL. The parent's name says so; a metastasis of melanoma is melanoma.
    "Malignant melanocytic proliferations (Melanoma)": "MEL",
    # NV: everything below "Nevus", and a nodule that is part of a congenital nevus.
    "Nevus": "NV",
    "Proliferative nodule in congenital melanocytic nevi without atypia": "NV",
    # BCC: WHO takes basosquamous carcinoma for a subtype of basal cell carcinoma.
    "Basal cell carcinoma": "BCC",
    "Baso-squamous carcinoma": "BCC",
    # AK: actinic cheilitis is actinic keratosis of the lip.
    "Solar or actinic keratosis": "AK",
    "Solar or actinic cheilitis": "AK",
    # SCC: MILK10k and ISIC 2019 count keratoacanthoma and Bowen's disease to it. Verrucous carcinoma is a subtype.
    "Squamous cell carcinoma in situ": "SCC",
    "Squamous cell carcinoma, Invasive": "SCC",
    "Squamous cell carcinoma, NOS": "SCC",
    "Keratoacanthoma": "SCC",
    "Verrucous carcinoma": "SCC",
    # SK, BKL, and what ISIC's BKL joins: benign growths of keratinocytes.
    "Seborrheic keratosis": "SK",
    "Pigmented benign keratosis": "BKL",
    "Solar lentigo": "bkl",
    "Ink-spot lentigo": "bkl",
    "Lentigo NOS": "bkl",
    "Lichen planus like keratosis": "bkl",
    "Clear cell acanthoma": "bkl",
    "Large cell acanthoma": "bkl",
    "Acantholytic acanthoma": "bkl",
    "Epidermolytic acanthoma": "bkl",
    "Melanoacanthoma": "bkl",
    "Dermatofibroma": "DF",
    # VASC: vascular tumours and malformations; HAM10000 and MILK10k count bleeding to them.
    "Hemorrhagic lesions": "VASC",
    **dict.fromkeys(
        (
            "Acquired elastotic hemangioma",
            "Angiokeratoma",
            "Angiolymphoid hyperplasia with eosinophilia",
            "Arterio-venous malformation",
            "Capillary vascular malformation",
            "Glomangiomyoma",
            "Glomeruloid hemangioma",
            "Glomus tumor",
            "Hemangioma",
            "Lymphangioma",
            "Noninvoluting congenital hemangioma",
            "Other vascular or lymphatic malformation or hamartoma",
            "Pyogenic granuloma",
            "Rapidly involuting congenital hemangioma",
            "Telangiectasia",
            "Vascular spider",
            "Venous lake",
            "Venous malformation",
            "Verrucous hemangioma",
        ),
        "VASC",
    ),
    # Nobody knows which diagnoses collide.
    "Collision - Only benign proliferations": "benign",
    "Collision - At least one malignant proliferation": "malignant",
    # Names.
    "Benign - Other": "benign other",
    "Lentigo simplex": "lentigo",
    "Skin metastasis of internal solid cancer - non-hematological": "skin metastasis",
}


def means(value: str) -> str:
    """Return what one value of the archive means."""
    levels = value.split(":")
    rules = [RULES[level] for level in reversed(levels) if level in RULES]
    if rules:
        return rules[0]
    if len(levels) < 3:
        return EVERYTHING_BELOW
    return " ".join(levels[2].lower().replace(",", " ").replace("-", " ").replace("/", " ").split())


def table(values: Iterable[str]) -> str:
    """Return the table as text: one line for each value, sorted."""
    lines = [f"{value}\t{means(value)}" for value in sorted(values)]
    return "\n".join(("value\tmeans", *lines)) + "\n"


def main() -> int:
    """Write the table, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare the table with the package, and write nothing")
    check = parser.parse_args().check
    from isic_metadata.diagnosis_hierarchical import DiagnosisEnum  # noqa: PLC0415 - needs Python 3.12

    text = table(str(value) for value in DiagnosisEnum)
    if check:
        return int(TABLE.read_text(encoding="utf-8") != text)
    TABLE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
