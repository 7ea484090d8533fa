# SPDX-License-Identifier: BSD-3-Clause
"""A plot of where memory is, as SVG: a panel for each balloon, side by side, on the same scales."""

PANEL_WIDTH, PANEL_HEIGHT = 300, 240
LEFT, TOP, BOTTOM, GAP = 56, 40, 64, 28
# Which column of a sample, what it is, and how it is drawn: colours that differ in lightness too.
CURVES = ((1, "free in the guest", "#1b7837", ""), (2, "in the balloon", "#e08214", "6 3"),
          (3, "held by the host", "#2d2f8f", ""))
GRID_MIB = 512


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{text}</text>\n'


def _seconds_step(most: float) -> float:
    return next(step for step in (0.2, 0.5, 1, 2, 5, 10, 20, 50) if most / step <= 8)


class Scale:
    """Where a sample lies in a panel."""

    def __init__(self, left: float, seconds: float, mib: float):
        self.left, self.seconds, self.mib = left, seconds, mib

    def x(self, seconds: float) -> float:
        return self.left + PANEL_WIDTH * seconds / self.seconds

    def y(self, mib: float) -> float:
        return TOP + PANEL_HEIGHT * (1 - mib / self.mib)


def _grid(scale: Scale, is_first: bool) -> str:
    made = '<g stroke="#ccc" stroke-width="1">\n'
    labels = ""
    for mib in range(0, int(scale.mib) + 1, GRID_MIB):
        y = scale.y(mib)
        made += f'<line x1="{scale.left}" x2="{scale.left + PANEL_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>\n'
        if is_first:
            labels += _text(scale.left - 6, y + 4, f"{mib}", "end", 11)
    step = _seconds_step(scale.seconds)
    for count in range(int(scale.seconds / step) + 1):
        labels += _text(scale.x(count * step), TOP + PANEL_HEIGHT + 16, f"{count * step:g}", size=11)
    return made + "</g>\n" + labels


def _curve(samples: list[list[float]], scale: Scale, column: int, colour: str, dash: str) -> str:
    points = " ".join(f"{scale.x(sample[0]):.1f},{scale.y(sample[column]):.1f}" for sample in samples)
    return (f'<polyline fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" '
            f'points="{points}"/>\n')


def _legend(width: float) -> str:
    y = TOP + PANEL_HEIGHT + 46
    made = ""
    for index, (_, name, colour, dash) in enumerate(CURVES):
        x = LEFT + index * width / 4
        made += (f'<line x1="{x:.0f}" x2="{x + 30:.0f}" y1="{y}" y2="{y}" stroke="{colour}" '
                 f'stroke-width="2" stroke-dasharray="{dash}"/>\n')
        made += _text(x + 36, y + 4, name, "start")
    return made + _text(width - 8, y + 4, "seconds; MiB", "end")


def timelines(named: dict[str, list[list[float]]]) -> str:
    """The SVG. A sample is seconds, and MiB in the order of CURVES."""
    seconds = max(samples[-1][0] for samples in named.values())
    mib = max(value for samples in named.values() for sample in samples for value in sample[1:])
    mib = -(-mib // GRID_MIB) * GRID_MIB
    width = LEFT + len(named) * (PANEL_WIDTH + GAP)
    height = TOP + PANEL_HEIGHT + BOTTOM
    made = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'font-family="sans-serif">\n<rect width="{width}" height="{height}" fill="white"/>\n')
    for index, (name, samples) in enumerate(named.items()):
        scale = Scale(LEFT + index * (PANEL_WIDTH + GAP), seconds, mib)
        made += _grid(scale, index == 0)
        made += _text(scale.left + PANEL_WIDTH / 2, TOP - 14, name, size=14)
        for column, _, colour, dash in CURVES:
            made += _curve(samples, scale, column, colour, dash)
    return made + _legend(width) + "</svg>\n"
