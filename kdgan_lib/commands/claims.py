"""Command `kdgan claims`: show the verdicts of the ledger, or measure them anew."""

from dataclasses import dataclass

import tyro


@dataclass(frozen=True)
class Claims:
    """Show the verdicts of the ledger, or measure its claims anew.

    Claims that are named come with their statement, rule and evidence.
    """

    ids: tyro.conf.Positional[tuple[str, ...]] = ()
    """Claims; all when none is named."""
    update: bool = False
    """Compute the measures and write the evidence rows first."""

    def __call__(self) -> int:
        """Print one line per claim, and below those named what they rest on."""
        from kdgan_lib import claims, evidence, prose, verdicts

        chosen = [claim.id for claim in claims.select(self.ids)]
        if self.update:
            written = evidence.update(chosen, report=print)
            print(f"{written} evidence rows written")
        for name in chosen:
            judged = verdicts.judge(name)
            print(f"{name:8} {judged.verdict}")
            if self.ids:
                lines = [judged.claim.statement, *prose.reasons(judged)]
                print(*(f"  {line.replace('*', '')}" for line in lines), sep="\n")
        return 0


def main(arguments: list[str]) -> int:
    """Run `kdgan claims`; return the exit code."""
    return tyro.cli(Claims, prog="kdgan claims", args=arguments)()
