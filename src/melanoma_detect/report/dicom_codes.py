"""Codes in the DICOM files that this library writes: of SNOMED CT and DICOM where they exist, else a scheme of its own.

Codes for skin lesions that are copied from list to list are often wrong, so that only two sources are used: the context groups
of DICOM PS3.16, as pydicom has them, and the value set *eHDSI Morphologic Abnormality* 8.1.0 of HL7 Europe (2025), which was
expanded from the International Edition of SNOMED CT. A diagnosis that neither names exactly has a private code.
"""

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from melanoma_detect import taxonomy
from melanoma_detect.images.dicom_header import SOFTWARE
from melanoma_detect.printable import printable

SCHEME = "99MELDETECT"
_MAX_MEANING = 64  # characters of a code's meaning (VR LO)
_MAX_VALUE = 16  # of its value (VR SH)

_SNOMED = {
    "AK": codes.SCT.ActinicKeratosis,  # CID 4405, Skin Disorder
    "MEL": codes.SCT.MalignantMelanoma,  # CID 639, a morphology
    "SCC": codes.SCT.SquamousCellCarcinomaOfSkin,  # CID 639
    "BCC": Code("1338007", "SCT", "Basal cell carcinoma"),  # eHDSI, a morphology
    "SK": Code("25499005", "SCT", "Seborrheic keratosis"),  # eHDSI, a morphology
}


def private_code(value: str, meaning: str) -> CodedConcept:
    """Return a code of this library's own scheme.

    Args:
        value: The code, at most 16 characters.
        meaning: What it means; more than 64 characters are cut.

    Returns:
        The code.

    Examples:
        >>> private_code("REFER", "A person must look").scheme_designator
        '99MELDETECT'
    """
    return CodedConcept(short_text(value, _MAX_VALUE), SCHEME, short_text(meaning, _MAX_MEANING))


def short_text(text: str, most: int) -> str:
    r"""Return a text for an element of DICOM that holds one short text, in which a backslash would begin another one.

    Args:
        text: The text.
        most: How many characters the element may have.

    Returns:
        The text, cut.

    Examples:
        >>> short_text("nevus\x1b", 64)
        'nevus/x1b'
    """
    return printable(text).replace("\\", "/")[:most]


def diagnosis_code(label: str) -> CodedConcept:
    """Return the code of a detector's class.

    Args:
        label: The class.

    Returns:
        A SNOMED CT code for the diagnoses that have a sure one; a private code for the others, and for classes that are none of
        the nine diagnoses.

    Examples:
        >>> diagnosis_code("melanoma").meaning, diagnosis_code("melanoma").scheme_designator
        ('Malignant melanoma', 'SCT')
        >>> diagnosis_code("dermatofibroma").value, diagnosis_code("dermatofibroma").scheme_designator
        ('DF', '99MELDETECT')
    """
    diagnosis = taxonomy.find(label)
    if diagnosis is None or len(taxonomy.meaning(label)) != 1:
        return private_code(label.upper(), label)
    known = _SNOMED.get(diagnosis.code)
    return private_code(diagnosis.code, diagnosis.name) if known is None else CodedConcept.from_code(known)


def scheme_item() -> CodingSchemeIdentificationItem:
    """Return the entry that explains the private scheme in a file.

    Returns:
        An item of the Coding Scheme Identification Sequence.

    Examples:
        >>> scheme_item().CodingSchemeDesignator
        '99MELDETECT'
    """
    return CodingSchemeIdentificationItem(SCHEME, name=SOFTWARE, responsible_organization=SOFTWARE)
