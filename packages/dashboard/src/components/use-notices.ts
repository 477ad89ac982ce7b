// SPDX-License-Identifier: Apache-2.0
import { useCallback, useState } from 'preact/hooks';
import type { Tone } from './badge.tsx';

export interface Notice {
  readonly key: string;
  readonly tone: Tone;
  readonly text: string;
}

export interface Notices {
  readonly items: readonly Notice[];
  /** Adds a notice or rewrites the one with the same key. It goes after a while, unless it tells of a refusal. */
  readonly tell: (notice: Notice) => void;
  readonly dismiss: (key: string) => void;
}

const noticesMax = 3;
const shownMs = 12_000;

export function useNotices(): Notices {
  const [items, setItems] = useState<readonly Notice[]>([]);
  const dismiss = useCallback((key: string) => {
    setItems((known) => known.filter((notice) => notice.key !== key));
  }, []);
  const tell = useCallback(
    (notice: Notice) => {
      setItems((known) =>
        known.some(({ key }) => key === notice.key)
          ? known.map((old) => (old.key === notice.key ? notice : old))
          : [...known, notice].slice(-noticesMax),
      );
      if (notice.tone !== 'bad') setTimeout(() => dismiss(notice.key), shownMs);
    },
    [dismiss],
  );
  return { items, tell, dismiss };
}
