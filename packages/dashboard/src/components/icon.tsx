// SPDX-License-Identifier: Apache-2.0
import type { JSX } from 'preact';

export type IconName =
  | 'active'
  | 'standby'
  | 'spare'
  | 'none'
  | 'good'
  | 'warning'
  | 'bad'
  | 'info'
  | 'pause'
  | 'stop'
  | 'arrow';

/** Shapes differ, not only colours; always beside a word, hence hidden from assistive technology. */
export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {shapes[name]}
    </svg>
  );
}

const line = {
  fill: 'none',
  stroke: 'currentColor',
  'stroke-width': '1.6',
  'stroke-linecap': 'round',
} as const;
const cut = { ...line, stroke: 'var(--surface)', 'stroke-width': '1.8', 'stroke-linejoin': 'round' } as const;

const shapes: Readonly<Record<IconName, JSX.Element>> = {
  active: (
    <>
      <circle cx="8" cy="8" r="6.6" {...line} />
      <circle cx="8" cy="8" r="3.9" fill="currentColor" />
    </>
  ),
  standby: (
    <>
      <circle cx="8" cy="8" r="6.6" {...line} />
      <path d="M8 1.4a6.6 6.6 0 0 0 0 13.2z" fill="currentColor" />
    </>
  ),
  spare: <circle cx="8" cy="8" r="6.6" {...line} stroke-dasharray="2.6 2.6" />,
  none: <path d="M3.5 8h9" {...line} />,
  good: (
    <>
      <circle cx="8" cy="8" r="7.4" fill="currentColor" />
      <path d="M4.8 8.3l2.2 2.2 4.2-4.6" {...cut} />
    </>
  ),
  warning: (
    <>
      <path d="M8 1.2L15.4 14.6H.6z" fill="currentColor" />
      <path d="M8 6v4M8 12.2v.1" {...cut} />
    </>
  ),
  bad: (
    <>
      <path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z" fill="currentColor" />
      <path d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" {...cut} />
    </>
  ),
  info: (
    <>
      <circle cx="8" cy="8" r="6.6" {...line} />
      <path d="M8 7.4v3.8M8 4.8v.1" {...line} />
    </>
  ),
  pause: <path d="M5 3.2v9.6M11 3.2v9.6" {...line} stroke-width="2.4" />,
  stop: <rect x="3" y="3" width="10" height="10" rx="1" fill="currentColor" />,
  arrow: <path d="M2.5 8h10.4M9 4l4 4-4 4" {...line} />,
};
