"""Choose the network that ships among several runs and the averages of their weights.

    python scripts/default_detector/soup.py FOLDER NAME --runs student-1 student-2

Runs from the same ImageNet weights often lie in one valley of the loss, and the average of their weights can be better than
each of them (Wortsman et al. 2022, "Model soups", arXiv:2203.05482). The runs are added one by one, the best first, and each
stays if the validation part says so: half of its score is the melanoma AUC of the worst source. With one run, that run is
taken.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from atomic import write_text
from network import Network, array_names, load_network, save_arrays
from packed import PACK, Pack, load_pack
from train import predict_logits
from validation import measure_sources, score, worst_source


def main() -> None:
    """Choose, and write the chosen weights with the record of all runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("name", metavar="NAME", help="of the files that are written into FOLDER")
    parser.add_argument("--runs", nargs="+", required=True, metavar="NAME")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder = arguments.folder
    records = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in arguments.runs}
    network_name, images = (records[arguments.runs[0]][name] for name in ("network", "images"))
    networks = {name: load_network(network_name, folder / f"{name}.npz") for name in arguments.runs}
    network, chosen, figures = choose(networks, load_pack(folder / PACK))
    save_arrays(network, folder / f"{arguments.name}.npz")
    record = {"network": network_name, "images": images, "average of": chosen, "runs": records, "validation": figures}
    write_text(folder / f"{arguments.name}.json", json.dumps(record, indent=1))
    print(f"{arguments.name}: {' + '.join(chosen)}, {json.dumps(figures)}")


def choose(networks: dict[str, Network], pack: Pack) -> tuple[Network, list[str], dict[str, object]]:
    """Return the best network, the runs that it averages, and its validation figures."""
    figures = {name: _measure(network, pack) for name, network in networks.items()}
    for name, own in figures.items():
        print(f"{name}: {json.dumps(own)}", flush=True)
    order = sorted(networks, key=lambda name: figures[name]["score"], reverse=True)
    chosen, best, best_figures = order[:1], networks[order[0]], figures[order[0]]
    for name in order[1:]:
        candidate = average([networks[own] for own in (*chosen, name)])
        own = _measure(candidate, pack)
        print(f"{' + '.join((*chosen, name))}: {json.dumps(own)}", flush=True)
        if own["score"] > best_figures["score"]:
            chosen, best, best_figures = [*chosen, name], candidate, own
    return best, chosen, best_figures


def average(networks: list[Network]) -> Network:
    """Return a network with the mean of all arrays of several."""
    states = [network.state_dict() for network in networks]
    mean = Network(networks[0].name, networks[0].classifier.out_features)
    arrays = {name: torch.stack([state[name].float() for state in states]).mean(dim=0) for name in array_names(mean)}
    mean.load_state_dict(states[0] | arrays)
    return mean.to(memory_format=torch.channels_last).eval()


def _measure(network: Network, pack: Pack) -> dict[str, object]:
    rows = pack.rows("validation")
    probabilities = torch.softmax(predict_logits(network, pack, rows, torch.device("cpu")), 1).numpy()
    figures = measure_sources(probabilities.astype(np.float64), pack, rows)
    return {"worst": worst_source(figures), "score": round(score(figures), 5), "sources": figures}


if __name__ == "__main__":
    main()
