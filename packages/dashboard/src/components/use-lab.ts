// SPDX-License-Identifier: Apache-2.0

import type { LabView } from '@vnfpool/core/management';
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { Requests } from '../api/requests.ts';

const pollMs = 1000;

/**
 * What can be broken here, asked every second; null where there is no lab. Asked also while the stream is lost:
 * the lab outlives the manager, and its answer is what shows the button that starts the manager again.
 */
export function useLab(
  requests: Requests | null,
  accepted: boolean,
): { readonly lab: LabView | null; readonly refresh: () => Promise<void> } {
  const [lab, setLab] = useState<LabView | null>(null);

  /** False: there is no lab, and asking again is no use. */
  const ask = useCallback(async (): Promise<boolean> => {
    if (requests === null) return false;
    const answer = await requests.lab();
    if (answer.ok) setLab(answer.value);
    else if (answer.status === 404) setLab(null);
    return answer.ok || answer.status !== 404;
  }, [requests]);

  useEffect(() => {
    if (!accepted) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const round = async (): Promise<void> => {
      if ((await ask()) && !ended) timer = setTimeout(() => void round(), pollMs);
    };
    void round();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [ask, accepted]);

  const refresh = useCallback(async () => {
    await ask();
  }, [ask]);
  return { lab, refresh };
}
