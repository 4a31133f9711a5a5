"""The page's engine in a browser: the answers that Python gives, from the same files and from the same outputs of the model."""

import base64
import io
import json
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

import melanoma_detect as md
from melanoma_detect.errors import DetectorError, ImageError
from melanoma_detect.explain.explain import explain
from melanoma_detect.images.reader import resize_image
from melanoma_detect.inference.calibration import Calibration
from melanoma_detect.inference.decision_rules import DecisionRules
from melanoma_detect.inference.local_calibration import LocalCalibration, LogOddsLine
from melanoma_detect.inference.operating_points import ValidationScores
from melanoma_detect.inference.predictor import Predictor
from melanoma_detect.inference.runtime import ModelOutputs
from melanoma_detect.page import html
from melanoma_detect.utils.probabilities import format_percent, format_probability, format_threshold

TOLERANCE = 2e-3  # of a probability
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def lesion(size=120, seed=5, diagnosis="melanoma"):
    return Image.fromarray(md.draw_lesion(diagnosis, seed=seed, size=size).pixels)


def wide(width=150, height=110):
    return lesion(width).crop((0, 0, width, height))


def turned(orientation, kind, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(wide(), kind, exif=exif, **options)


def transparent():
    image = wide().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return encoded(image, "PNG")


def sixteen_bits():
    return encoded(Image.fromarray(np.asarray(wide().convert("L")).astype(np.uint16) * 257), "PNG")


def with_gamma():
    """Return a PNG with a gamma of 1, which browsers apply and the library ignores."""
    content, chunk = encoded(wide(), "PNG"), b"gAMA" + struct.pack(">I", 100_000)
    return content[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[33:]


def frames(kind):
    others = [lesion(120, seed=seed) for seed in (8, 9)]
    return encoded(lesion(120), kind, save_all=True, append_images=others, duration=100)


def assert_alike(found, expected, tolerance=TOLERANCE):
    """Assert that two predictions have the same fields, decision and words, and probabilities within a tolerance."""
    plain = {name: value for name, value in found.items() if name != "text"}
    assert plain.keys() == expected.keys()
    assert plain["probabilities"] == pytest.approx(expected["probabilities"], abs=tolerance)
    for name in ("decision", "diagnosis", "abstained", "image_type", "source", "prediction_set"):
        assert plain[name] == expected[name], name
    for name in ("melanoma", "malignant"):
        assert plain[name] == pytest.approx(expected[name], abs=tolerance)


EXACT = {
    "png": lambda: encoded(wide(), "PNG"),
    "webp": lambda: encoded(wide(), "WEBP", lossless=True),
    "bmp": lambda: encoded(wide(), "BMP"),
    "grey png": lambda: encoded(wide().convert("L"), "PNG"),
    "palette png": lambda: encoded(wide().quantize(64), "PNG"),
    "gif": lambda: encoded(wide().quantize(64), "GIF"),
    "jpeg": lambda: encoded(wide(), "JPEG", quality=90, subsampling=0),
    "jpeg 4:2:0": lambda: encoded(wide(), "JPEG", quality=80, subsampling=2),
    "progressive jpeg": lambda: encoded(wide(), "JPEG", progressive=True),
    "grey jpeg": lambda: encoded(wide().convert("L"), "JPEG"),
    "lossy webp": lambda: encoded(wide(), "WEBP", quality=80),
    "smallest": lambda: encoded(Image.new("RGB", (1, 1), (180, 120, 100)), "PNG"),
    "narrow": lambda: encoded(lesion(300).crop((0, 0, 9, 300)), "PNG"),
    "as large as the model's": lambda: encoded(lesion(32), "PNG"),
    "tall": lambda: encoded(lesion(300).crop((0, 0, 120, 300)), "PNG"),
    "animated gif": lambda: frames("GIF"),
    "animated webp": lambda: frames("WEBP"),
    "animated png": lambda: frames("PNG"),
    "gamma": with_gamma,
    "16-bit grey": sixteen_bits,
} | {
    f"jpeg turned {orientation}": lambda orientation=orientation: turned(orientation, "JPEG")
    for orientation in range(1, 9)
}

CLOSE = {  # with the largest difference of a grey level; transparency and colour profiles are rounded otherwise
    "transparent": (transparent, 2),
    "cmyk jpeg": (lambda: encoded(wide().convert("CMYK"), "JPEG", quality=95), 3),
    "turned png": (lambda: turned(6, "PNG"), 1),
    "turned webp": (lambda: turned(8, "WEBP", lossless=True), 1),
    "srgb profile": (
        lambda: encoded(wide(), "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
        0,
    ),
    "avif": (lambda: encoded(wide(), "AVIF", quality=90), 3),
    "large jpeg": (lambda: encoded(lesion(600).crop((0, 0, 599, 451)), "JPEG", quality=90), 3),
    "large jpeg turned": (lambda: encoded(lesion(600).crop((0, 0, 599, 451)), "JPEG", exif=exif_of(6)), 3),
}


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("name", EXACT)
def test_a_file_gets_the_same_pixels_and_the_same_answer(engine, detector, name):
    content = EXACT[name]()
    found = engine.analyse(content, "bytes")
    expected = detector.predictor.preprocess(content)
    sideways = name in {f"jpeg turned {orientation}" for orientation in range(5, 9)}
    # A turned image is resized in the other order, or drawn by the browser: one grey level at most.
    difference = np.abs(found["pixels"] - expected.pixels.ravel())
    assert difference.max() <= sideways
    assert found["side"] == min(expected.height, expected.width)
    assert_alike(found["prediction"], detector.predict(content).to_dict())


@pytest.mark.parametrize("name", CLOSE)
def test_a_file_that_browsers_decode_otherwise_gets_nearly_the_same_pixels(engine, detector, name):
    make, tolerance = CLOSE[name]
    content = make()
    found, expected = engine.analyse(content, "bytes"), detector.predictor.preprocess(content)
    difference = np.abs(found["pixels"] - expected.pixels.ravel())
    assert difference.max() <= tolerance
    assert found["side"] == min(expected.height, expected.width)


def damaged(content, share):
    return content[: int(len(content) * share)]


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("empty", b"", "the file is empty"),
        ("not-an-image", b"a text, and no image at all", "not an image of a known format"),
        ("not-an-image", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image of a known format"),
        ("heic", HEIC, "save it as JPEG"),
        ("tiff", encoded(wide(), "TIFF"), "save it as PNG or JPEG"),
        ("dicom", bytes(128) + b"DICM" + bytes(100), "DICOM"),
        ("corrupt", damaged(encoded(wide(), "JPEG"), 0.6), "ends too early"),
        ("corrupt", damaged(encoded(wide(), "PNG"), 0.6), "ends too early"),
        ("corrupt", damaged(encoded(wide(), "WEBP"), 0.6), "ends too early"),
        ("corrupt", b"\xff\xd8\xff\xe0\0\x10JFIF nothing more", "cannot be decoded"),
        ("corrupt", encoded(wide(), "PNG")[:60] + bytes(400), "cannot be decoded"),
        ("corrupt", b"GIF89a", "cannot be decoded"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_by_name(engine, detector, kind, content, words):
    with pytest.raises(Exception, match=words) as caught:
        engine.analyse(content, "photo 7")
    assert (caught.value.name, caught.value.kind) == ("ImageError", kind)
    assert str(caught.value).startswith("photo 7: ")
    if kind not in ("heic", "tiff"):
        with pytest.raises(ImageError):
            detector.predict(content)
    # The engine goes on.
    assert engine.analyse(encoded(wide(), "PNG"))["width"] == 150


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(engine):
    header = b"IHDR" + struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(10))
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, data, b"IEND")
    ]
    with pytest.raises(Exception, match="20000×20000 pixels; expected at most 200 million") as caught:
        engine.analyse(b"\x89PNG\r\n\x1a\n" + b"".join(chunks), "huge.png")
    assert caught.value.kind == "too-many-pixels"


@pytest.mark.slow
def test_fifty_megapixels_are_judged(engine, detector):
    content = encoded(lesion(500).resize((8688, 5792)), "JPEG", quality=85)
    found, expected = engine.analyse(content, "bytes"), detector.predict(content).to_dict()
    assert (found["width"], found["height"]) == (8688, 5792)
    assert max(found["shown"]) == 1024
    assert_alike(found["prediction"], expected, 5e-3)


def test_the_page_answers_a_person_while_a_large_image_is_resized(engine):
    content = base64.b64encode(encoded(lesion(300).resize((5000, 4000)), "JPEG", quality=85)).decode()
    code = """
        const { decodeImage } = await import("decode");
        const { reduced } = await import("reduction");
        const { resizeForModel } = await import("resample");
        const image = await decodeImage(fromBase64(argument), "large");
        const answered = [];
        for (const factor of [1, 4]) {
            let times = 0;
            const timer = setInterval(() => { times += 1; }, 1);
            await resizeForModel(reduced(image, factor, image.begins), engine.parameters);
            clearInterval(timer);
            answered.push(times);
        }
        return answered;
    """
    assert min(engine.call(code, content)) > 0


def test_an_image_wider_than_a_canvas_is_read_in_tiles(engine, detector):
    content = encoded(lesion(200).resize((20_000, 70)), "PNG")
    found = engine.analyse(content, "bytes")
    assert np.array_equal(found["pixels"], detector.predictor.preprocess(content).pixels.ravel())


def test_calls_wait_for_each_other(engine):
    content = base64.b64encode(encoded(wide(), "PNG")).decode()
    code = """
        const calls = [1, 2, 3].map((number) => engine.analyse(fromBase64(argument), { name: `image ${number}` }));
        const found = await Promise.allSettled([...calls, engine.analyse(new Uint8Array(), { name: "none" })]);
        return found.map(({ value, reason }) => value?.source ?? reason.kind);
    """
    assert engine.call(code, content) == ["image 1", "image 2", "image 3", "empty"]


def test_random_sizes_are_resized_as_pillow_does_bit_for_bit(engine):
    rng = np.random.default_rng(1)
    for number in range(24):
        (width, height), (wide_to, high_to) = rng.integers(5, 260, 2), rng.integers(8, 120, 2)
        resize = ("squash", "crop", "pad")[number % 3]
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        rgba = np.dstack([pixels, np.full((height, width), 255, np.uint8)])
        code = """
            const { resizeForModel } = await import("resample");
            const { readParameters } = await import("embedded");
            const { width, height, size, resize } = argument;
            const data = fromBase64(argument.data);
            const read = (first, count) => data.subarray(4 * width * first, 4 * width * (first + count));
            const parameters = { ...readParameters(document), image_size: size, resize };
            return toBase64(await resizeForModel({ width, height, read }, parameters));
        """
        argument = {"width": int(width), "height": int(height), "size": [int(high_to), int(wide_to)], "resize": resize}
        found = engine.call(code, argument | {"data": base64.b64encode(rgba.tobytes()).decode()})
        expected = resize_image(Image.fromarray(pixels), (int(high_to), int(wide_to)), resize)
        assert base64.b64decode(found) == expected.tobytes(), argument


def test_shares_are_written_as_python_writes_them(engine):
    rng = np.random.default_rng(2)
    shares = [
        0.0,
        1.0,
        0.5,
        0.125,
        0.0625,
        0.9951,
        0.99996,
        1e-5,
        0.00025,
        0.15,
        0.0005,
        1 - 1e-10,
        *rng.random(300),
        *rng.random(50) ** 9,
    ]
    shares += [number / 2000 for number in range(200)]
    code = """
        const { formatPercent, formatThreshold, formatProbability, percent } = await import("text");
        const [twoDigits, none] = [(share) => formatPercent(share, 2), (share) => percent(share, 0)];
        const writers = [formatPercent, twoDigits, formatThreshold, formatProbability, none];
        return argument.map((share) => writers.map((write) => write(share)));
    """
    expected = [
        [
            format_percent(share),
            format_percent(share, 2),
            format_threshold(share),
            format_probability(share),
            f"{share:.0%}",
        ]
        for share in map(float, shares)
    ]
    assert engine.call(code, [float(share) for share in shares]) == expected


DECIDE = """
    const { DecisionRules } = await import("decisions");
    const rules = new DecisionRules(argument.parameters);
    return argument.settings.map((given) => {
        const settings = rules.complete(given);
        try { rules.check(settings); } catch (error) { return error.message; }
        return argument.analyses.map(({ logits, ...analysis }) =>
            rules.decide({ ...analysis, logits: Float32Array.from(logits) }, settings));
    });
"""

SETTINGS = [
    *(
        {"sensitivity": sensitivity, "target": target}
        for sensitivity in (0.5, 0.8, 0.9, 0.95, 0.973, 0.99, 0.997)
        for target in ("melanoma", "malignant")
    ),
    *({"coverage": coverage} for coverage in (0.8, 0.9, 0.95, 0.99, 0.7)),
    *({"image_type": image_type} for image_type in ("dermoscopy", "clinical", "auto", "radiology")),
    {"image_type": "clinical", "sensitivity": 0.9, "target": "malignant", "coverage": 0.8},
    {},
]


def decisions_of(predictor, outputs, distance, rejected, given):
    """Return what Python decides with some settings, or its message."""
    # What stays as it was exported may have no threshold. The page always knows all settings, not which were asked for.
    given = {name: value for name, value in given.items() if value != getattr(predictor.settings, name)}
    try:
        changed = predictor.at(**given) if given else predictor
    except DetectorError as error:
        return str(error)
    rules = DecisionRules.of(changed.config, changed.settings, changed.files.image_types)
    batch = rules.predict(outputs, changed.classes, distance, rejected)
    return batch.predictions(changed.classes, [f"image {row}" for row in range(len(distance))])


def scores(rng, positives, negatives, target="melanoma"):
    values = np.concatenate([rng.beta(4, 3, positives), rng.beta(2, 6, negatives)])
    return ValidationScores.of(values, np.arange(len(values)) < positives, target=target)


def localized(predictor, positives=30):
    """Return a predictor that was localized twice."""
    rng = np.random.default_rng(3)
    first = LocalCalibration(LogOddsLine(0.9, -0.4), LogOddsLine(1.1, 0.3), 1.2)
    local = LocalCalibration(
        LogOddsLine(1.2, -0.7),
        LogOddsLine(0.8, -0.5),
        0.9,
        tuple(rng.normal(size=len(predictor.classes)).tolist()),
        {"melanoma": scores(rng, positives, 60), "malignant": scores(rng, positives, 50, "malignant")},
        first,
    )
    changed = {views: replace(own, local=local) for views, own in predictor.config.calibrations.items()}
    return Predictor(
        replace(predictor.config, calibrations=changed), predictor.runtime, predictor.files, predictor.settings
    )


def judged_only(predictor, referred):
    return Predictor(
        replace(predictor.config, referred_types=(referred,)), predictor.runtime, predictor.files, predictor.settings
    )


def plain_calibration(predictor):
    bare = {1: Calibration(temperature=1.7)}
    return Predictor(
        replace(predictor.config, calibrations=bare, clinical={}),
        predictor.runtime,
        predictor.files,
        predictor.settings,
    )


CASES = {
    "shipped": lambda: md.Detector.load().predictor,
    "localized": lambda: localized(md.Detector.load().predictor),
    "localized on few": lambda: localized(md.Detector.load().predictor, positives=6),
    "dermoscopy only": lambda: judged_only(md.Detector.load().predictor, "clinical"),
    "without thresholds": lambda: plain_calibration(md.Detector.load().predictor),
}


@pytest.mark.parametrize("case", [*CASES, "small"])
@pytest.mark.filterwarnings("ignore:.*are all referred:melanoma_detect.errors.DetectorWarning")
def test_every_setting_decides_as_python_does(engine, detector, parameters_of, case):
    predictor = detector.predictor if case == "small" else CASES[case]()
    rng = np.random.default_rng(4)
    count, width = 60, 1280 if predictor.files.image_types else 1
    logits = (rng.normal(size=(count, len(predictor.classes))) * rng.choice([0.5, 2, 8], (count, 1))).astype(np.float32)
    features = rng.normal(size=(count, width)).astype(np.float32)
    distance = rng.choice([0.8, 1.0, 30.0, np.nan], count, p=[0.45, 0.45, 0.05, 0.05])
    rejected = rng.choice(["", "too dark"], count, p=[0.95, 0.05]).tolist()
    classifier = predictor.files.image_types
    types = classifier.types(features).tolist() if classifier else [""] * count
    rows = zip(logits.tolist(), distance.tolist(), rejected, types, strict=True)
    analyses = [
        {
            "source": f"image {row}",
            "logits": own,
            "distance": None if np.isnan(far) else far,
            "rejection": why,
            "imageType": kind,
        }
        for row, (own, far, why, kind) in enumerate(rows)
    ]
    distance = np.where(np.isnan(distance), 0.0, distance)  # not measured
    found = engine.call(DECIDE, {"parameters": parameters_of(predictor), "settings": SETTINGS, "analyses": analyses})
    for given, own in zip(SETTINGS, found, strict=True):
        expected = decisions_of(predictor, ModelOutputs(logits, features), distance, rejected, given)
        if isinstance(expected, str):
            assert own == expected
            continue
        for prediction, wanted in zip(own, expected, strict=True):
            assert prediction.pop("text") == str(wanted)
            assert json.loads(json.dumps(prediction)) == nested_approx(wanted.to_dict())


def nested_approx(value):
    """Return a value that equals another with floats that differ by rounding."""
    if isinstance(value, dict):
        return {name: nested_approx(own) for name, own in value.items()}
    if isinstance(value, (list, tuple)):
        return [nested_approx(own) for own in value]
    return pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value


def test_points_and_predictive_values_are_told_in_python_s_words(engine, parameters_of):
    predictor = md.Detector.load().predictor
    code = """
        const { DecisionRules } = await import("decisions");
        const { describePoint } = await import("operating_points");
        const { predictiveValues } = await import("predictive_values");
        const rules = new DecisionRules(argument.parameters);
        return argument.wanted.map(([sensitivity, target, prevalence]) => {
            const point = rules.operatingPoint(rules.complete({ sensitivity, target }), "dermoscopy");
            return [describePoint(point), predictiveValues(point, prevalence).text];
        });
    """
    wanted = [(0.9, "melanoma", 0.02), (0.95, "malignant", 0.1), (0.99, "melanoma", 0.5), (0.8, "melanoma", 0.001)]
    found = engine.call(code, {"parameters": parameters_of(predictor), "wanted": wanted})
    for (sensitivity, target, prevalence), (point_text, values_text) in zip(wanted, found, strict=True):
        point = predictor.at(sensitivity=sensitivity, target=target, image_type="dermoscopy").operating_point
        assert point_text == str(point)
        assert values_text == str(point.at_prevalence(prevalence))


def test_the_outputs_of_the_features_are_python_s(engine, parameters_of):
    predictor = md.Detector.load().predictor
    features = np.abs(np.random.default_rng(5).normal(size=(8, 1280))).astype(np.float32)
    code = """
        const { FeatureSpace, ImageTypeClassifier } = await import("features");
        const space = new FeatureSpace(argument.parameters.feature_space);
        const classifier = new ImageTypeClassifier(argument.parameters.classifier);
        const arrays = argument.features.map((own) => Float32Array.from(own));
        return arrays.map((own) => [space.distance(own), classifier.classify(own)]);
    """
    found = engine.call(code, {"parameters": parameters_of(predictor), "features": features.tolist()})
    space, classifier = predictor.files.feature_space, predictor.files.image_types
    assert [distance for distance, _ in found] == pytest.approx(space.distance(features).tolist(), rel=1e-4)
    assert [own["type"] for _, own in found] == classifier.types(features).tolist()
    assert [own["probability"] for _, own in found] == pytest.approx(
        classifier.probability(features).tolist(), abs=1e-5
    )


def test_golden_images_that_differ_block_the_page(open_engine, page_text, detector):
    golden = json.loads(page_text.split('id="page-parameters">')[1].split("</script>")[0])["golden"]
    for name, shifted, words in (
        ("probabilities", 0.01, "its probabilities differ by 0.01"),
        ("pixels", 3.0, "its colours differ by 3.0 of 255"),
        ("distance", 0.5, "its distance differs"),
    ):
        before = golden[1][name]
        after = [before[0] + shifted, *before[1:]] if isinstance(before, list) else before + shifted
        as_text = [json.dumps(own, separators=(",", ":")) for own in (before, after)]
        assert page_text.count(f'"{name}":{as_text[0]}') == 1
        changed = page_text.replace(f'"{name}":{as_text[0]}', f'"{name}":{as_text[1]}')
        with pytest.raises(Exception, match="for golden image 2 .*" + words) as caught:
            open_engine(changed).start()
        assert caught.value.name == "GoldenMismatchError"


@pytest.mark.parametrize("part", ["page-model", "page-runtime-wasm", "page-parameters"])
def test_a_damaged_page_says_so(open_engine, page_text, part):
    before, after = page_text.split(f'id="{part}">')
    with pytest.raises(Exception, match="This file is damaged") as caught:
        open_engine(f'{before}id="{part}">AAAA{after[400:]}').start()
    assert caught.value.name == "RuntimeFailure"


def test_no_address_can_be_reached(engine):
    code = """
        const blocked = [];
        document.addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
        await fetch("https://example.org/").catch(() => {});
        await fetch("data:text/plain,x").catch(() => {});
        new Image().src = "https://example.org/pixel.png";
        navigator.sendBeacon("https://example.org/", "x");
        await new Promise((done) => setTimeout(done, 200));
        return blocked;
    """
    assert set(engine.call(code)) >= {"connect-src", "img-src"}


@pytest.mark.slow
def test_the_shipped_detector_answers_and_explains_as_python_does(open_engine):
    shipped = md.Detector.load()
    opened = open_engine(html(shipped)).start()
    for seed, diagnosis in enumerate(("melanoma", "nevus", "vascular lesion")):
        content = encoded(lesion(320, seed, diagnosis).crop((0, 0, 320, 250)), "JPEG", quality=92)
        assert_alike(opened.analyse(content, "bytes")["prediction"], shipped.predict(content).to_dict())
    code = """
        const analysis = await engine.analyse(fromBase64(argument), { name: "image" });
        const map = engine.classMap(analysis);
        const drawn = engine.overlay(analysis);
        const { width, height } = analysis.preview;
        return { heat: toBase64(map.heat), drawn: [drawn.width, drawn.height], preview: [width, height] };
    """
    found = opened.call(code, base64.b64encode(content).decode())
    heat = np.frombuffer(base64.b64decode(found["heat"]), np.float32).reshape(224, 224)
    assert np.abs(heat - explain(shipped.predictor, content).heat).max() < 0.02
    assert found["drawn"] == found["preview"] == [250, 250]


@pytest.mark.parametrize("numbers", [[float("nan")] * 2, [0.5, 0.25], [float("inf"), 0.0]])
def test_there_is_no_map_of_an_image_without_probabilities(engine, numbers):
    code = """
        const { Engine } = await import("engine");
        const parameters = { classes: ["nevus", "melanoma"], malignant: [1], image_size: [4, 4] };
        const map = (numbers, values) => {
            const analysis = { maps: { rows: 2, columns: 2, values: Float32Array.from(values) } };
            return Engine.prototype.classMap.call({ parameters, probabilities: () => numbers }, analysis, {}, "melanoma");
        };
        const heat = (values) => Array.from(map([0.75, 0.25], values).heat);
        return [map(argument, [0, 1, 0, 2, 0, 3, 0, 4]), heat([0, 1, 0, 2, 0, 3, 0, 4]), heat([0, 1, 0, 2, 0, 3, 0, Infinity])];
    """
    none, heat, infinite = engine.call(code, numbers)
    assert none is None
    assert max(heat) == pytest.approx(1)
    assert set(infinite) == {0}
