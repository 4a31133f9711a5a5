"""`python -m melanoma_detect` is `melanoma-detect`."""

from melanoma_detect.cli import main

if __name__ == "__main__":
    main()
