"""``talweg surfaces``: what is in the catalogue."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["surfaces"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def surfaces(as_json: bool) -> None:
    """List the surfaces that `talweg survey` knows by name."""
    from talweg.surfaces import catalogue

    entries: list[dict[str, Any]] = []
    for entry in catalogue():
        f = entry.build()
        entries.append(
            {
                "name": entry.name,
                "n": f.n,
                "bounds": None if f.bounds is None else f.bounds.tolist(),
                "size": entry.size,
                "default_size": entry.default,
                "summary": entry.summary,
            }
        )
    if as_json:
        import json

        click.echo(json.dumps(entries, indent=1))
        return
    from talweg.cli.tables import console, table

    rows = []
    for row in entries:
        box = [f"{low:g},{high:g}" for low, high in row["bounds"] or ()] or ["none"]
        if len(set(box)) == 1 and len(box) > 1:
            box = [f"{box[0]} (each)"]
        name = row["name"]
        if row["size"]:
            name += f"[-{row['default_size']}]"
        rows.append([name, str(row["n"]), " ".join(box), row["summary"]])
    out = console()
    out.print(table("Surfaces", ["name", "n", "bounds", "what it is"], rows))
    out.print("A number in brackets is a default: rosenbrock-5 has n = 5.")
