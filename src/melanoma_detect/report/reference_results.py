"""Published results of dermatologists and devices, each with its population and endpoint.

None of them was measured on the images of an evaluation here. A sensitivity holds for its images and its readers only.
"""

from typing import NamedTuple


class ReferenceResult(NamedTuple):
    """A published sensitivity and specificity.

    Attributes:
        reader: Who or what read the images.
        population: Which patients or images were read.
        endpoint: What was to be recognised.
        sensitivity: 0 to 1.
        specificity: 0 to 1.
        citation: Authors, journal, year.
        url: The address of the paper.
    """

    reader: str
    population: str
    endpoint: str
    sensitivity: float
    specificity: float
    citation: str
    url: str


# Level I of the reader study: dermoscopy alone, without clinical information, which is what a detector sees too.
DERMATOLOGISTS = ReferenceResult(
    "58 dermatologists, dermoscopy alone",
    "100 dermoscopy images from one hospital's library, selected to be difficult",
    "melanoma against benign nevi",
    0.866,
    0.713,
    "Haenssle et al., Annals of Oncology 2018",
    "https://doi.org/10.1093/annonc/mdy166",
)

REFERENCE_RESULTS = (
    DERMATOLOGISTS,
    ReferenceResult(
        "8 dermatologists, dermoscopy alone",
        "100 dermoscopy images of a challenge: 50 melanomas, 44 nevi, 6 lentigines",
        "benign or malignant, among these",
        0.82,
        0.59,
        "Marchetti et al., J Am Acad Dermatol 2018",
        "https://pmc.ncbi.nlm.nih.gov/articles/PMC5768444",
    ),
    ReferenceResult(
        "dermoscopy with the patient present",
        "review of 27 data sets, adults with lesions suspicious for melanoma; read off at 80 % specificity",
        "invasive melanoma and atypical intraepidermal melanocytic variants",
        0.92,
        0.80,
        "Dinnes et al., Cochrane Database Syst Rev 2018",
        "https://doi.org/10.1002/14651858.CD011902.pub2",
    ),
    ReferenceResult(
        "dermoscopy from images",
        "the same review, 60 data sets; read off at 80 % specificity",
        "invasive melanoma and atypical intraepidermal melanocytic variants",
        0.81,
        0.80,
        "Dinnes et al., Cochrane Database Syst Rev 2018",
        "https://doi.org/10.1002/14651858.CD011902.pub2",
    ),
    ReferenceResult(
        "DERM, an ensemble of networks",
        "dermoscopy images of pigmented lesions, 24 % melanomas",
        "melanoma against benign pigmented lesions",
        0.95,
        0.641,
        "Phillips et al., Dermatol Pract Concept 2020",
        "https://doi.org/10.5826/dpc.1001a11",
    ),
    ReferenceResult(
        "DermaSensor, a spectroscope (no images)",
        "1,579 lesions that primary care physicians suspected, 224 of them cancers",
        "any skin cancer: melanoma, basal cell and squamous cell carcinoma",
        0.955,
        0.207,
        "Merry et al., J Prim Care Community Health 2025",
        "https://doi.org/10.1177/21501319251344423",
    ),
)
