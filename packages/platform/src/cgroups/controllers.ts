// SPDX-License-Identifier: Apache-2.0
import type { ControlFiles } from './control-files.ts';
import type { GroupLimits, GroupStatistics } from './types.ts';

/** Folder of one group in one hierarchy. */
export interface GroupFolder {
  readonly version: 1 | 2;
  readonly folder: string;
}

/** Length of the window in which a group may use its share of processors, µs: the kernel's own default. */
const PERIOD_US = 100_000;
/** The kernel's least share in a window, µs. */
const QUOTA_US_MIN = 1_000;

/** A kind of limit: what sets it, by version, and the file without which it cannot be set. */
interface LimitWriter {
  readonly file: Readonly<Record<1 | 2, string>>;
  set(files: ControlFiles, folder: GroupFolder, value: number): void;
}

/** How limits are written, by the controller that enforces them. */
export const LIMITS: Readonly<Record<'cpu' | 'memory' | 'pids', LimitWriter>> = {
  cpu: {
    file: { 1: 'cpu.cfs_quota_us', 2: 'cpu.max' },
    set: (files, { version, folder }, processors) => {
      const quotaUs = Math.max(QUOTA_US_MIN, Math.round(processors * PERIOD_US));
      if (version === 2) {
        files.write(`${folder}/cpu.max`, `${quotaUs} ${PERIOD_US}`);
        return;
      }
      files.write(`${folder}/cpu.cfs_period_us`, String(PERIOD_US));
      files.write(`${folder}/cpu.cfs_quota_us`, String(quotaUs));
    },
  },
  memory: {
    file: { 1: 'memory.limit_in_bytes', 2: 'memory.max' },
    set: (files, { version, folder }, bytes) => {
      const optional = (file: string, value: string): void => {
        if (files.exists(`${folder}/${file}`)) files.write(`${folder}/${file}`, value);
      };
      files.write(`${folder}/${LIMITS.memory.file[version]}`, String(bytes));
      // Memory on disk is no way around the limit, and half a function is none: all of it ends together.
      if (version === 1) optional('memory.memsw.limit_in_bytes', String(bytes));
      else {
        optional('memory.swap.max', '0');
        optional('memory.oom.group', '1');
      }
    },
  },
  pids: {
    file: { 1: 'pids.max', 2: 'pids.max' },
    set: (files, { folder }, count) => files.write(`${folder}/pids.max`, String(count)),
  },
};

/** The controller and the value of each limit that is set, those without a controller left out. */
export function limitsByController(limits: GroupLimits): ['cpu' | 'memory' | 'pids', number][] {
  const all = [
    ['cpu', limits.processors],
    ['memory', limits.memoryBytes],
    ['pids', limits.processes],
  ] as const;
  return all.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

type Used = Pick<
  GroupStatistics,
  | 'throttledMs'
  | 'memoryBytes'
  | 'memoryPeakBytes'
  | 'memoryKills'
  | 'refusedStarts'
  | 'diskReadBytes'
  | 'diskWrittenBytes'
> & { readonly cpuMs: number | null };

/** What the controllers tell of a group; `folderOf` gives its folder in the hierarchy of a controller. */
export function readUsage(
  files: ControlFiles,
  folderOf: (controller: 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'io') => GroupFolder | undefined,
): Used {
  const text = (at: GroupFolder | undefined, first: string | null, second: string | null): string => {
    const file = at?.version === 1 ? first : second;
    if (at === undefined || file === null) return '';
    try {
      return files.read(`${at.folder}/${file}`);
    } catch {
      // The controller does not tell this: absent from older kernels, or not enabled.
      return '';
    }
  };
  const [cpu, memory, pids] = [folderOf('cpu'), folderOf('memory'), folderOf('pids')];
  const accounting = folderOf('cpuacct') ?? cpu;
  const cpuUs = field(text(cpu, null, 'cpu.stat'), 'usage_usec');
  const cpuNs = whole(text(accounting, 'cpuacct.usage', null));
  const throttledNs = field(text(cpu, 'cpu.stat', null), 'throttled_time');
  const throttledUs = field(text(cpu, null, 'cpu.stat'), 'throttled_usec');
  const current = whole(text(memory, 'memory.usage_in_bytes', 'memory.current'));
  const cached =
    field(text(memory, 'memory.stat', null), 'total_inactive_file') ??
    field(text(memory, null, 'memory.stat'), 'inactive_file');
  const disks = readDisks(text(folderOf('io'), 'blkio.throttle.io_service_bytes', 'io.stat'));
  return {
    cpuMs: cpuUs === null ? scaled(cpuNs, 1e-6) : scaled(cpuUs, 1e-3),
    throttledMs: throttledUs === null ? scaled(throttledNs, 1e-6) : scaled(throttledUs, 1e-3),
    memoryBytes: current === null ? null : Math.max(0, current - (cached ?? 0)),
    memoryPeakBytes: whole(text(memory, 'memory.max_usage_in_bytes', 'memory.peak')),
    memoryKills: field(text(memory, 'memory.oom_control', 'memory.events'), 'oom_kill'),
    refusedStarts: field(text(pids, 'pids.events', 'pids.events'), 'max'),
    ...disks,
  };
}

/** Second version: `8:0 rbytes=1 wbytes=2 …`; first: `8:0 Read 1`. Devices are added up. */
function readDisks(text: string): Pick<Used, 'diskReadBytes' | 'diskWrittenBytes'> {
  if (text === '') return { diskReadBytes: null, diskWrittenBytes: null };
  const sum = (pattern: RegExp): number =>
    [...text.matchAll(pattern)].reduce((total, [, digits]) => total + Number(digits), 0);
  return {
    diskReadBytes: sum(/(?:\brbytes=|^\d+:\d+ Read )(\d+)/gm),
    diskWrittenBytes: sum(/(?:\bwbytes=|^\d+:\d+ Write )(\d+)/gm),
  };
}

function field(text: string, name: string): number | null {
  const [, digits] = new RegExp(`^${name} (\\d+)`, 'm').exec(text) ?? [];
  return digits === undefined ? null : Number(digits);
}

function whole(text: string): number | null {
  return /^\d+\s*$/.test(text) ? Number(text) : null;
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}
