/** A uPlot canvas that keeps the size of its place and the colours of the theme. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useColors, type Colors } from '../theme.ts';

export type Draft = Omit<uPlot.Options, 'width' | 'height'>;

interface Props {
  /** Names what the options depend on beside the colours: another name draws the plot anew. */
  shape: string;
  options(colors: Colors): Draft;
  data: uPlot.AlignedData;
  label: string;
  /** The index that is pointed at, or null. */
  onPoint(index: number | null): void;
}

const HEIGHT = 190;

export function Plot({ shape, options, data, label, onPoint }: Props): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const point = useRef(onPoint);
  const colors = useColors();
  point.current = onPoint;

  useEffect(() => {
    const host = place.current;
    if (!host) return;
    const draft = options(colors);
    const told = (drawn: uPlot) => point.current(drawn.cursor.idx ?? null);
    const drawn = new uPlot(
      {
        ...draft,
        width: host.clientWidth,
        height: HEIGHT,
        hooks: { ...draft.hooks, setCursor: [told] },
      },
      data,
      host,
    );
    plot.current = drawn;
    const observer = new ResizeObserver(() => {
      if (host.clientWidth > 0) drawn.setSize({ width: host.clientWidth, height: HEIGHT });
    });
    observer.observe(host);
    return () => {
      observer.disconnect();
      drawn.destroy();
      plot.current = null;
      point.current(null);
    };
    // The data of the first drawing are the present ones; later ones come below.
  }, [shape, colors]);

  useEffect(() => plot.current?.setData(data), [data]);

  return <div class="plot" ref={place} role="img" aria-label={label} />;
}
