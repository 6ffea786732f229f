/** The first line of the page: all is well, or what is wrong. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Ago } from '../parts/time.tsx';
import { ToneIcon } from '../parts/icons.tsx';
import { plural, timeOfDay } from '../format.ts';
import type { Problem } from '../problems.ts';
import type { Reach } from '../reach.ts';
import type { Tone } from '../words.ts';

interface Props {
  /** Null: it is not known yet. */
  problems: Problem[] | null;
  reach: Reach;
  /** When the newest data came. */
  at: number | null;
}

const SHOWN = 6;
const PAGE_TITLE = 'Stockroom · Dashboard';

export function Headline({ problems, reach, at }: Props): JSX.Element {
  const { tone, title } = verdict(problems, reach);
  const open = problems?.filter(({ isAcknowledged }) => !isAcknowledged).length ?? 0;
  const mark = reach === 'away' ? '(!) ' : open > 0 ? `(${open}) ` : '';
  useEffect(() => {
    document.title = `${mark}${PAGE_TITLE}`;
    return () => {
      document.title = PAGE_TITLE;
    };
  }, [mark]);
  return (
    <section class={`headline headline-${tone}`} aria-label="How it is">
      <div class="headline-verdict">
        <ToneIcon tone={tone} size={22} />
        <p class="headline-title" role="status">
          {title}
        </p>
        <p class="headline-at">{note(reach, at)}</p>
      </div>
      {problems && problems.length > 0 && (
        <ul class="headline-list">
          {problems.slice(0, SHOWN).map((problem) => (
            <Line key={problem.key} problem={problem} isOnly={problems.length === 1} />
          ))}
          {problems.length > SHOWN && (
            <li>
              <a href="#alerts">and {problems.length - SHOWN} more</a>
            </li>
          )}
        </ul>
      )}
    </section>
  );
}

/** The only problem has its name above, in large. */
function Line({ problem, isOnly }: { problem: Problem; isOnly: boolean }): JSX.Element {
  const { tone, title, detail, at, since, isAcknowledged } = problem;
  const isNamed = isOnly && !isAcknowledged;
  return (
    <li class={isAcknowledged ? 'is-acknowledged' : ''}>
      <ToneIcon tone={tone} />
      <span>
        <a href={at}>{isNamed ? detail || 'Show it' : title}</a>{' '}
        {!isNamed && detail && <span class="headline-detail">{detail}</span>}
        {isAcknowledged && <span class="headline-detail"> · acknowledged</span>}
      </span>
      {since && (
        <span class="headline-since">
          <Ago at={since} />
        </span>
      )}
    </li>
  );
}

function verdict(problems: Problem[] | null, reach: Reach): { tone: Tone; title: string } {
  if (reach === 'offline') return { tone: 'unknown', title: 'This device is offline' };
  if (reach === 'away') return { tone: 'critical', title: 'No connection to the server' };
  if (!problems) return { tone: 'unknown', title: 'Looking …' };
  if (problems.length === 0) return { tone: 'good', title: 'All is well' };
  const open = problems.filter(({ isAcknowledged }) => !isAcknowledged);
  const worst = open[0] ?? problems[0];
  const tone = open.length > 0 ? (worst?.tone ?? 'warning') : 'warning';
  if (open.length === 0) {
    return { tone, title: `${plural(problems.length, 'known problem', 'known problems')}` };
  }
  return { tone, title: open.length === 1 ? (worst?.title ?? '') : `${open.length} problems` };
}

function note(reach: Reach, at: number | null): string {
  const time = at === null ? '' : timeOfDay(at);
  if (reach === 'offline' || reach === 'away') {
    return at === null ? 'Trying again …' : `Trying again. This is from ${time}`;
  }
  const updated = at === null ? '' : `Updated ${time}`;
  return reach === 'unpushed' ? `${updated}, without live news` : updated;
}
