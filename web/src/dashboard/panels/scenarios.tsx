/** The promises that the shop is measured against. */

import type { JSX } from 'preact';
import type { Reading } from '../data/hooks.ts';
import type { ScenariosQuery } from '../data/operations.ts';
import { Badge } from '../parts/badge.tsx';
import { Panel } from '../parts/panel.tsx';
import { SCENARIO } from '../words.ts';

export function Scenarios({ reading }: { reading: Reading<ScenariosQuery> }): JSX.Element {
  const scenarios = reading.data?.qualityScenarios ?? [];
  return (
    <Panel id="scenarios" title="Quality scenarios" reading={reading}>
      <ul class="scenarios">
        {scenarios.map(({ id, title, status, target, measured, evidence }) => (
          <li class="scenario" key={id}>
            <div class="scenario-head">
              <h3>
                <span class="scenario-id">{id}</span> {title}
              </h3>
              <Badge tone={SCENARIO[status].tone}>{SCENARIO[status].word}</Badge>
            </div>
            <dl>
              <dt>Measured</dt>
              <dd>{measured}</dd>
              <dt>Target</dt>
              <dd>{target}</dd>
            </dl>
            {evidence.length > 0 && (
              <details>
                <summary aria-label={`Evidence for ${id}`}>Evidence</summary>
                <ul class="evidence">
                  {evidence.map((line) => (
                    <li key={line}>{line}</li>
                  ))}
                </ul>
              </details>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
