// SPDX-License-Identifier: Apache-2.0
import type { ExplainView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Answer, Requests } from '../api/requests.ts';
import { sentence } from '../model/format.ts';

interface ExplainPanelProps {
  readonly pool: string;
  readonly requests: Requests;
  readonly freshness: string;
}

/** Why the planner chose so: asked when opened, and again when something it depends on changed. */
export function ExplainPanel({ pool, requests, freshness }: ExplainPanelProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const [answer, setAnswer] = useState<Answer<ExplainView> | null>(null);
  // biome-ignore lint: `freshness` is there to ask again.
  useEffect(() => {
    if (!open) return;
    let current = true;
    void requests.explain(pool).then((next) => {
      if (current) setAnswer(next);
    });
    return () => {
      current = false;
    };
  }, [open, pool, requests, freshness]);
  return (
    <details class="explain" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Explain {pool}</summary>
      {answer === null && <p class="label">Asking the manager.</p>}
      {answer?.ok === false && <p class="note">No explanation: {sentence(answer.message)}</p>}
      {answer?.ok === true && <Explanation view={answer.value} />}
    </details>
  );
}

function Explanation({ view }: { readonly view: ExplainView }): JSX.Element {
  return (
    <>
      <ul class="lines">
        {view.lines.map((line, index) => (
          <li key={index}>{sentence(line)}</li>
        ))}
      </ul>
      {view.slots.map((slot) => (
        <section key={slot.index}>
          <h4>
            Slot {slot.index}: {slot.holder ?? 'nobody'}
          </h4>
          <p>{sentence(slot.why)}</p>
          <table>
            <thead>
              <tr>
                <th scope="col">Rank</th>
                <th scope="col">Candidate</th>
                <th scope="col">Verdict</th>
              </tr>
            </thead>
            <tbody>
              {slot.candidates.map((candidate) => (
                <tr key={candidate.name}>
                  <td>{candidate.rank}</td>
                  <td>{candidate.name}</td>
                  <td>{candidate.verdict}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </>
  );
}
