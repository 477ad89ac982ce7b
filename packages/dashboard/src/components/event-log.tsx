// SPDX-License-Identifier: Apache-2.0
import type { EventView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatClock, sentence } from '../model/format.ts';
import { Choice } from './choice.tsx';
import { Icon, type IconName } from './icon.tsx';

type Least = EventView['severity'];

const weights: Readonly<Record<Least, number>> = { info: 0, warning: 1, error: 2 };
const icons: Readonly<Record<Least, IconName>> = { info: 'info', warning: 'warning', error: 'bad' };
const tones: Readonly<Record<Least, string>> = { info: 'quiet', warning: 'warning', error: 'bad' };

export function EventLog({ events }: { readonly events: readonly EventView[] }): JSX.Element {
  const [least, setLeast] = useState<Least>('info');
  const shown = events.filter((event) => weights[event.severity] >= weights[least]);
  return (
    <section class="panel" aria-labelledby="events-title">
      <div class="panel-head">
        <h2 id="events-title">Events</h2>
        <Choice
          legend="Least severity shown"
          name="severity"
          value={least}
          options={[
            ['info', 'All'],
            ['warning', 'Warnings'],
            ['error', 'Errors'],
          ]}
          onChoose={setLeast}
        />
      </div>
      {/* Focusable, so that the keyboard can scroll it. */}
      <section class="card events" aria-label="Events, newest first" tabIndex={0}>
        {shown.length === 0 && (
          <p class="label">{events.length === 0 ? 'Nothing happened yet.' : 'None that severe.'}</p>
        )}
        <ol>
          {shown.map((event) => (
            <li key={event.id} class={`event text-${tones[event.severity]}`}>
              <span class="mono label">{formatClock(event.at)}</span>
              <span class="event-severity">
                <Icon name={icons[event.severity]} /> {event.severity}
              </span>
              <span class="event-message">
                <strong>{event.subject}</strong> {sentence(event.message)}{' '}
                <span class="mono label">{event.type}</span>
              </span>
            </li>
          ))}
        </ol>
      </section>
    </section>
  );
}
