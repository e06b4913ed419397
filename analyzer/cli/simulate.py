"""Write series with a known truth, to try the tool on."""

from __future__ import annotations

import click


@click.command(epilog="Example: vpn-uptake simulate --scenario mix:decay --series 20 -o simulated.csv")
@click.option("--scenario", default="mix", show_default=True, metavar="NAME[:SHAPE]", help="See --list.")
@click.option("--series", default=10, show_default=True, type=click.IntRange(1, 999), help="How many series.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="The same seed, the same file.")
@click.option("-o", "--output", metavar="FILE", help="A CSV that loads as it stands; the truth is written beside it.")
@click.option("--list", "list_them", is_flag=True, help="Print the names of scenarios and shapes and stop.")
def command(*, scenario: str, series: int, seed: int, output: str | None, list_them: bool) -> None:
    """Write simulated series with a block of known effect, and that truth beside them.

    They carry the country ZZ, which is none, and dates in 2001, so that nobody takes them for a real country.
    """
    import numpy as np

    from analyzer import simulate

    if list_them:
        click.echo("\n".join((*simulate.scenarios(), "", *(f":{shape}" for shape in simulate.SHAPES))))
        return
    if output is None:
        raise click.UsageError("name the file to write with -o FILE")
    rng = np.random.default_rng(seed)
    panels = [simulate.simulate(scenario, rng, name=scenario) for _ in range(series)]
    truth = simulate.write_csv(simulate.named(panels), output)
    onset = simulate.EPOCH + panels[0].onset * simulate.step_of(panels[0])
    click.echo(f"Wrote {output} and {truth}; the block begins on {onset:%Y-%m-%d}:", err=True)
    click.echo(f"  vpn-uptake load {output} && vpn-uptake estimate --cc ZZ --date {onset:%Y-%m-%d}", err=True)
