/** A figure: its title, what its colours mean, the drawing, and the same numbers as a table. */

import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { Colors } from '../theme.ts';
import { Plot, type Draft } from './plot.tsx';

export interface Series {
  label: string;
  color: keyof Colors;
  values: (number | null)[];
  /** All of it in one number, as text; shown while nothing is pointed at. */
  total: string;
  format(value: number | null): string;
}

interface Props {
  title: string;
  /** Heads the first column of the table: what there is a row of. */
  unit: string;
  /** The name of each row, long enough to stand alone. */
  rows: string[];
  series: Series[];
  shape: string;
  options(colors: Colors): Draft;
  data: uPlot.AlignedData;
  /** What to say in place of a drawing of nothing. */
  empty: string;
}

export function Chart(props: Props): JSX.Element {
  const { title, rows, series, shape, options, data, empty } = props;
  const [pointed, setPointed] = useState<number | null>(null);
  const [isTable, setTable] = useState(false);
  const id = useId();
  const isEmpty = series.every(({ values }) => values.every((value) => !value));
  const row = pointed === null ? undefined : rows[pointed];
  const summary = series.map(({ label, total }) => `${label}: ${total}`).join(', ');

  return (
    <figure class="chart" aria-labelledby={`${id}-title`}>
      <div class="chart-head">
        <h3 id={`${id}-title`}>{title}</h3>
        <button
          type="button"
          class="button quiet small"
          aria-expanded={isTable}
          aria-controls={`${id}-table`}
          aria-label={`Table: ${title}`}
          onClick={() => setTable(!isTable)}
        >
          Table
        </button>
      </div>
      <p class="legend">
        {series.map(({ label, color, values, total, format }) => (
          <span class="legend-item" key={label}>
            <span class={`swatch swatch-${color}`} aria-hidden="true" />
            {label}{' '}
            <strong>
              {pointed === null || row === undefined ? total : format(values[pointed] ?? null)}
            </strong>
          </span>
        ))}
        <span class="legend-at">{row ?? ''}</span>
      </p>
      <div class="chart-body">
        <Plot
          shape={shape}
          options={options}
          data={data}
          label={isEmpty ? `${title}: ${empty}` : `${title}. ${summary}.`}
          onPoint={setPointed}
        />
        {isEmpty && <p class="chart-empty">{empty}</p>}
      </div>
      <div id={`${id}-table`} hidden={!isTable}>
        {isTable && <Table {...props} />}
      </div>
    </figure>
  );
}

/** The latest first: that is what is looked for. */
function Table({ title, unit, rows, series }: Props): JSX.Element {
  const newest = rows.map((name, index) => ({ name, index })).reverse();
  return (
    <div class="scroll" role="region" aria-label={`${title}, table`} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{unit}</th>
            {series.map(({ label }) => (
              <th scope="col" class="number" key={label}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newest.map(({ name, index }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {series.map(({ label, values, format }) => (
                <td class="number" key={label}>
                  {format(values[index] ?? null)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
