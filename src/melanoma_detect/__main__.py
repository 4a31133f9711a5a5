"""Run the command line: `python -m melanoma_detect` does the same as `melanoma-detect`."""

from melanoma_detect.cli import main

if __name__ == "__main__":
    main()
