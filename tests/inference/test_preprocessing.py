"""What the model sees of an image."""

from PIL import Image

from melanoma_detect.inference.preprocessing import ModelInput, preprocess


def test_an_array_of_the_models_size_is_not_copied(image):
    prepared = preprocess(image, (64, 64), "squash")
    assert prepared.pixels is image
    assert prepared == ModelInput(image, 64, 64)


def test_the_original_size_is_returned(tmp_path, image):
    Image.fromarray(image).resize((90, 50)).save(tmp_path / "photo.png")
    prepared = preprocess(tmp_path / "photo.png", (32, 32), "crop")
    assert (prepared.pixels.shape, prepared.height, prepared.width) == ((32, 32, 3), 50, 90)
