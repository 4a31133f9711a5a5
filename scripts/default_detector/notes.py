"""What the default detector's model card says beside its figures."""

NOTES = {
    "Licence of the weights": (
        "CC BY-NC 4.0, for research and teaching without commercial purpose, because of what they learnt from; see "
        "NOTICE."
    ),
    "Images": (
        "HAM10000 (Tschandl, Rosendahl and Kittler 2018, doi 10.1038/sdata.2018.161; CC BY-NC 4.0), MILK10k (MILK "
        "study team, ISIC archive 2025; CC BY-NC 4.0), dermoscopic images and clinical close-ups of the same lesions; "
        "images of the ISIC challenges of 2017 to 2019, of MSK and of the nine-class ISIC set (CC0 and CC BY-NC 4.0); "
        "ISIC 2020 (CC BY-NC 4.0); PAD-UFES-20, smartphone photographs (Pacheco et al. 2020; CC BY 4.0). Lesions, "
        "patients and near duplicates are grouped across sources, contradicting labels resolved by the ISIC 2019 "
        "challenge's truth. Held out of all training and of every choice: the lesions of HAM10000 whose SHA-256 is 0 "
        "modulo 5, with every image of them in any source, and a tenth of the other groups."
    ),
    "Truth": (
        "part of the diagnoses were confirmed by histopathology, the others by follow-up, by experts' consensus or by "
        "confocal microscopy; some of PAD-UFES-20's are clinical. ISIC 2020 says no more than benign of most images. "
        "The nine-class set does not say how its labels came about."
    ),
    "Diagnoses": (
        "nine. Labels that cover several of them (akiec, bkl, benign, malignant) trained through the sum of what they "
        "cover. Seborrheic keratosis was learnt from MILK10k, the ISIC challenges and PAD-UFES-20."
    ),
    "Skin tone": (
        "MILK10k records it on a scale of its own, from 0 (very dark) to 5 (very light), and PAD-UFES-20 the Fitzpatrick "
        "type of part of its patients; the other sources do not record it. Most images come from clinics in Austria, "
        "Australia, Spain, the United States and Brazil, and nearly all of the skin is light: on dark skin the detector is "
        "untested, and must be taken to be "
        "worse."
    ),
    "How images were taken": (
        "with dermatoscopes, and without: clinical close-ups and smartphone photographs, one lesion in the middle. "
        "The detector recognises which of the two an image is, and has a calibration for each. It cuts an image to "
        "its centre square."
    ),
    "Network": (
        "EfficientNet-Lite0 from ImageNet's weights (Tan and Le 2019, arXiv:1905.11946, Apache-2.0), trained on the "
        "training part of all sources at growing image sizes, with sources balanced; the weights are a moving "
        "average. Some images were shown with the lesion covered, for which the network learnt to answer that every "
        "diagnosis is as likely as the next."
    ),
    "Calibration": (
        "on the validation part of all sources, dermoscopy and clinical photographs apart. A threshold is set so that the "
        "sensitivity is reached on all melanomas together and on those of every source. A source shows few melanomas, "
        "and chance decides how many of them are found; so its own figure is first moved (shrunk) towards that of all "
        "sources, the more the fewer melanomas it has. As counted, a source may stay under the goal: the sensitivities "
        "by source are listed above. The probability of melanoma is that of the pool; "
        "other clinics see other shares: `Detector.localize` calibrates on a clinic's own images. What is left is "
        "shared by the other diagnoses as if each were equally common, so that a rare one is named: their "
        "probabilities, and that of any malignancy, are not frequencies."
    ),
}
