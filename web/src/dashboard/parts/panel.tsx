/** A part of the page with a heading, and what it shows while there is nothing to show. */

import type { CombinedError } from '@urql/core';
import type { ComponentChildren, JSX } from 'preact';
import type { Reading } from '../data/hooks.ts';

interface Props {
  id: string;
  title: string;
  /** Beside the heading. */
  note?: ComponentChildren;
  reading: Reading<unknown>;
  children: ComponentChildren;
}

export function Panel({ id, title, note, reading, children }: Props): JSX.Element {
  const { data, error, isOutdated } = reading;
  const isLoading = data === null && error === null;
  return (
    <section
      id={id}
      class={isOutdated ? 'panel is-outdated' : 'panel'}
      aria-labelledby={`${id}-title`}
      aria-busy={isLoading || isOutdated}
      tabIndex={-1}
    >
      <header class="panel-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {note && <span class="note">{note}</span>}
      </header>
      {error && <Failure reading={reading} />}
      {isLoading ? <p class="placeholder">Loading …</p> : data !== null && children}
    </section>
  );
}

/** Tells why there are no newer data. */
function Failure({ reading: { data, error, read } }: { reading: Reading<unknown> }): JSX.Element {
  return (
    <p class={data === null ? 'failure' : 'failure beside-data'}>
      <span>
        {error && reason(error)} {data !== null && 'What is shown may be old.'}
      </span>
      <button type="button" class="button small" onClick={read}>
        Try again
      </button>
    </p>
  );
}

/** Why the server did not answer, in words. */
export function reason({ networkError, graphQLErrors, response }: CombinedError): string {
  const first = graphQLErrors[0];
  if (first?.extensions?.['code'] === 'GRAPHQL_VALIDATION_FAILED') {
    return 'The server is newer than this page: load it again.';
  }
  if (first) return first.message;
  if (networkError?.name === 'TimeoutError') return 'The server takes too long to answer.';
  // A proxy that has nobody to ask, or something else that is not Stockroom.
  const status = (response as Response | undefined)?.status;
  if (status) return `The answer was an error ${status} in place of figures.`;
  return 'The server cannot be reached.';
}
