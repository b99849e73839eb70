"""``talweg surfaces``: what is in the catalogue."""

from __future__ import annotations

import click

__all__ = ["surfaces"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def surfaces(as_json: bool) -> None:
    """List the surfaces that `talweg survey` knows by name."""
    from talweg import surfaces as catalogue

    entries = []
    for name in catalogue.names():
        f = catalogue.by_name(name)
        entries.append(
            {
                "name": name,
                "n": f.n,
                "bounds": [[float(low), float(high)] for low, high in f.bounds],
                "description": catalogue.describe(name),
            }
        )
    if as_json:
        import json

        click.echo(json.dumps(entries, indent=1))
        return
    from talweg.cli.tables import console, table

    rows = []
    for entry in entries:
        box = [f"{low:g},{high:g}" for low, high in entry["bounds"]]
        if len(set(box)) == 1 and len(box) > 1:
            box = [f"{box[0]} (each)"]
        rows.append([entry["name"], str(entry["n"]), " ".join(box), entry["description"]])
    console().print(table("Surfaces", ["name", "n", "bounds", "description"], rows))
