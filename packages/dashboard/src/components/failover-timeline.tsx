// SPDX-License-Identifier: Apache-2.0
import type { FailoverView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { formatMs, formatOffset } from '../model/format.ts';
import { explainStep, layOutTimeline, type Span } from '../model/timeline.ts';

/** The steps on one scale, each bar from the step before to this one: its length is what the step took. */
export function FailoverTimeline({ failover }: { readonly failover: FailoverView }): JSX.Element {
  const timeline = layOutTimeline(failover);
  return (
    <table class="timeline">
      <caption class="unseen">
        Steps of the failover with their time since the first and what each took
      </caption>
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col" class="scale">
            <span class="unseen">On the scale</span>
            {timeline.ticks.map((tick) => (
              <span
                key={tick.offsetMs}
                class={`tick ${tick.position > 0.7 ? 'tick-end' : ''} ${tick.offsetMs === 0 ? 'tick-zero' : ''}`}
                style={{ left: percent(tick.position) }}
                aria-hidden="true"
              >
                {formatOffset(tick.offsetMs)}
              </span>
            ))}
          </th>
          <th scope="col" class="number">
            At
          </th>
          <th scope="col" class="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {timeline.outage !== null && (
          <tr class="timeline-outage">
            <th scope="row" title="From the last answered request to the first answered again">
              outage
            </th>
            <td class="scale">
              <Bar span={timeline.outage} kind="outage" />
            </td>
            <td class="number" />
            <td class="number">{formatMs(Math.round(failover.outageMs ?? 0))}</td>
          </tr>
        )}
        {timeline.steps.map((step, index) => (
          <tr key={step.name}>
            <th scope="row" title={explainStep(step.name)}>
              {step.name}
              <span class="step-meaning">{explainStep(step.name)}</span>
            </th>
            <td class="scale">
              <Zero position={timeline.zero} />
              <Bar span={step.span} kind="step" />
            </td>
            <td class="number mono">{formatOffset(step.offsetMs)}</td>
            <td class="number mono">{index === 0 ? '' : formatMs(step.tookMs)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Lines the rows up on the moment of detection. */
function Zero({ position }: { readonly position: number }): JSX.Element {
  return <span class="zero" style={{ left: percent(position) }} aria-hidden="true" />;
}

function Bar({ span, kind }: { readonly span: Span; readonly kind: 'step' | 'outage' }): JSX.Element {
  return (
    <span
      class={`bar bar-${kind}`}
      style={{ left: percent(span.start), width: percent(span.length) }}
      aria-hidden="true"
    />
  );
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(3)}%`;
}
