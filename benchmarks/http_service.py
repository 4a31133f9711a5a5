"""The HTTP service against `Detector.predict` in the same run: throughput with 32 clients, latency, memory.

    python benchmarks/http_service.py [--detector FILE] [--images FOLDER] [--requests N] [--rounds N] [--memory-requests N]

Prints one line per figure: name, value, goal. Server and clients are processes of this machine, on the loopback alone; the
clients take a part of the same cores, as another program on the same machine would. `Detector.predict` and the service take
turns; the ratio is the median of those of the rounds. Every client has one connection and sends one image after the other.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

import melanoma_detect as md

CLIENTS = 32
BOUNDARY = "boundary-of-the-benchmark"
LIMIT_SECONDS = 1800  # the benchmark gives up


class Service:
    """A process of `melanoma-detect serve` on a free port of the loopback."""

    def __init__(self, detector: Path | None) -> None:
        command = [sys.executable, "-m", "melanoma_detect", "serve", "--port", "0"]
        command += ["--detector", str(detector)] if detector else []
        environment = os.environ | {"MALLOC_ARENA_MAX": "2"}  # as the container and the unit of the how-to set it
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        line = next(line for line in self.process.stderr if line.startswith("Serving"))
        self.address = re.search(r"http://\S+", line)[0]

    def memory(self) -> float:
        """Return the resident memory of the process in MB."""
        with urllib.request.urlopen(f"{self.address}/metrics") as answer:
            text = answer.read().decode()
        return float(re.search(r"^process_resident_memory_bytes (\S+)", text, re.MULTILINE)[1]) / 1e6

    def batch(self) -> float:
        """Return the mean number of images in a call of the model."""
        with urllib.request.urlopen(f"{self.address}/metrics") as answer:
            text = answer.read().decode()
        total, count = (
            re.search(rf"^melanoma_detect_batch_images_{name} (\S+)", text, re.MULTILINE)[1]
            for name in ("sum", "count")
        )
        return float(total) / float(count)

    def stop(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", type=Path, help="a detector's file; the default detector if left out")
    parser.add_argument("--images", type=Path, help="a folder of JPEG files; drawn lesions of 600×450 if left out")
    parser.add_argument("--requests", type=int, default=640, help="in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory-requests", type=int, default=20_000)
    chosen = parser.parse_args()
    signal.alarm(LIMIT_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        images = read_images(chosen.images or draw_images(Path(folder)))
        service = Service(chosen.detector)
        try:
            check_answers(service, chosen.detector, images)
            measure_speed(service, chosen.detector, images, chosen)
            measure_memory(service, images, chosen.memory_requests)
        finally:
            service.stop()


def draw_images(folder: Path) -> Path:
    """Draw lesions as JPEG files of HAM10000's size."""
    for seed in range(16):
        image = Image.fromarray(md.draw_lesion(("melanoma", "nevus")[seed % 2], seed=seed, size=600).pixels)
        image.crop((0, 75, 600, 525)).save(folder / f"{seed}.jpg", quality=90)
    return folder


def read_images(folder: Path) -> list[bytes]:
    """Return the contents of up to 64 JPEG files."""
    return [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))[:64]]


def check_answers(service: Service, file: Path | None, images: list[bytes]) -> None:
    """Check that the service answers exactly as the detector does."""
    detector = md.Detector.load(file)
    latencies, answers = asyncio.run(ask(service.address, images, len(images), CLIENTS, keep=True))
    expected = [detector.predict(content).to_dict() for content in images]
    equal = sum(
        json.loads(answer)["predictions"][0]["probabilities"] == expected[number]["probabilities"]
        for number, answer in answers.items()
    )
    print(f"http_answers_equal {equal / len(latencies):.3f} 1")


def measure_speed(service: Service, file: Path | None, images: list[bytes], chosen: argparse.Namespace) -> None:
    """Measure throughput beside `Detector.predict`, and the times of requests."""
    detector = md.Detector.load(file)
    ratios, rates, latencies = [], [], []
    for _ in range(chosen.rounds):
        batch = [images[number % len(images)] for number in range(chosen.requests)]
        start = time.perf_counter()
        detector.predict(batch)
        alone = chosen.requests / (time.perf_counter() - start)
        start = time.perf_counter()
        times, _ = asyncio.run(ask(service.address, images, chosen.requests, CLIENTS))
        served = chosen.requests / (time.perf_counter() - start)
        ratios.append(served / alone)
        rates.append((served, alone))
        latencies += times
    served, alone = (statistics.median(values) for values in zip(*rates, strict=True))
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    compared = f"{served:.0f} against {alone:.0f} images a second; {spread}"
    print(f"http_throughput_against_predict {statistics.median(ratios):.2f} 0.8   # {compared}")
    print_times(f"http_{CLIENTS}_clients", latencies)
    print(f"http_images_in_a_call {service.batch():.1f} -")
    single, _ = asyncio.run(ask(service.address, images, min(200, chosen.requests), 1))
    print_times("http_1_client", single)


def print_times(name: str, latencies: list[float]) -> None:
    """Print the median and the 99th percentile of times, in milliseconds."""
    cuts = statistics.quantiles(latencies, n=100)
    print(f"{name}_p50_milliseconds {cuts[49] * 1e3:.1f} -")
    print(f"{name}_p99_milliseconds {cuts[98] * 1e3:.1f} -")


def measure_memory(service: Service, images: list[bytes], requests: int) -> None:
    """Measure how the memory of the service grows with the number of requests."""
    first = max(1, requests // 10)
    asyncio.run(ask(service.address, images, first, CLIENTS))
    before = service.memory()
    asyncio.run(ask(service.address, images, requests - first, CLIENTS))
    after = service.memory()
    compared = f"{before:.0f} MB after {first} requests, {after:.0f} MB after {requests}"
    print(f"http_memory_growth {after / before - 1:.3f} 0.05   # {compared}")


async def ask(
    address: str, images: list[bytes], requests: int, clients: int, *, keep: bool = False
) -> tuple[list[float], dict[int, bytes]]:
    """Send requests by several clients; return their times in seconds, and the answers by number if they are kept."""
    host, port = urlsplit(address).hostname, urlsplit(address).port
    messages = [request_of(content) for content in images]
    numbers, latencies, answers = iter(range(requests)), [], {}

    async def run_client() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for number in numbers:
            start = time.perf_counter()
            writer.write(messages[number % len(messages)])
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            body = await reader.readexactly(int(re.search(rb"content-length: (\d+)", head)[1]))
            latencies.append(time.perf_counter() - start)
            if keep:
                answers[number] = body
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(run_client() for _ in range(clients)))
    return latencies, answers


def request_of(content: bytes) -> bytes:
    """Return the bytes of a request with one file."""
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    body = part.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()
    head = f"POST /v1/predict HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode() + body


if __name__ == "__main__":
    main()
