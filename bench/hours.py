"""The shared hourly files and the mappings that read them: two indices of connectivity, traffic of a few countries."""

from __future__ import annotations

from pathlib import Path

from analyzer.api import Database

CONNECTIVITY = """\
indicator = {{ value = "monash.connectivity" }}
unit = {{ value = "connectivity, 100 = usual" }}
cc = "iso"
value = "connectivity"
aggregate = "mean"
time = {{ column = "time_e", format = "epoch", zone = "{zone}", grain = "hour" }}
countries = {{ IRN = "IR", VEN = "VE" }}
"""
TRAFFIC = """\
indicator = {{ value = "radar.traffic" }}
unit = {{ value = "traffic, 1 = maximum" }}
cc = {{ value = "{cc}" }}
value = "{name} values"
scale_id = {{ value = "{stem}" }}
licence = "CC BY-NC 4.0"
attribution = "Cloudflare Radar"
time = {{ column = "{name} timestamps", zone = "UTC", grain = "{grain}" }}
"""
CITIES = {"irn-2019-11-11_gif": "Asia/Tehran", "ven-2019-07-22_gif": "America/Caracas"}
RADAR = {
    "netflows_to_2022-01_1h": ("TO", "Tonga_outage", "hour"),
    "netflows_to_2022-01_1d": ("TO", "Tonga_outage", "day"),
    "netflows_world_1h": ("XX", "Traffic", "hour"),
    "netflows_fr_1h": ("FR", "France", "hour"),
    "netflows_ca_1h": ("CA", "Canada", "hour"),
}


def load_cities(db: Database, data: Path, folder: Path) -> None:
    """Mean connectivity of the cities of Iran and of the states of Venezuela; their epochs are of the local clock."""
    for stem, zone in CITIES.items():
        _load(db, data / "monash-hourly" / f"{stem}.csv", CONNECTIVITY.format(zone=zone), folder)


def load_radar(db: Database, data: Path, folder: Path) -> None:
    """Traffic of Tonga, France, Canada and the world, each on the scale of its own response."""
    for stem, (cc, name, grain) in RADAR.items():
        text = TRAFFIC.format(cc=cc, name=name, stem=stem, grain=grain)
        _load(db, data / "radar-notebook" / f"{stem}.csv", text, folder)


def _load(db: Database, file: Path, mapping: str, folder: Path) -> None:
    path = folder / f"{file.stem}.toml"
    path.write_text(mapping, encoding="utf-8")
    db.load(file, mapping=path)
