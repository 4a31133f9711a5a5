# The HTTP service as a container, from the wheel that `make wheel` has built; docs/how-to/serve.md says how to run it:
#     make wheel && docker build --tag melanoma-detect .
# With DICOM files: docker build --build-arg EXTRAS=serve,dicom --tag melanoma-detect .
FROM python:3.13-slim AS build

ARG EXTRAS=serve
COPY dist/melanoma_detect_core-*.whl /wheels/
RUN python -m venv /service \
    && /service/bin/pip install --no-cache-dir "$(ls /wheels/melanoma_detect_core-*.whl)[${EXTRAS}]"

FROM python:3.13-slim

COPY --from=build /service /service
# It writes nothing: run it with a read-only file system. Two arenas keep the memory of the decoding threads together.
ENV PATH=/service/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2
USER 65532:65532
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
# Everyone who reaches the container's port may use the service, unless MELANOMA_DETECT_TOKEN is set.
ENTRYPOINT ["melanoma-detect", "serve", "--host", "0.0.0.0", "--port", "8000"]
