// SPDX-License-Identifier: Apache-2.0
import type { AdoptedFunction, AgentInput, AgentOutput } from '@vnfpool/core/agent';
import type { Clocks } from '@vnfpool/platform';
import type { Clock, DriverFault, EffectHandlers } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import type { SealKey } from '@vnfpool/runtime/state-seal';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import type { SetConfiguration, SlotState } from '@vnfpool/wire/mobility';
import { adoptFunctions } from './adopt-functions.ts';
import { functionGroupsOf } from './function-groups.ts';
import { FunctionHost } from './function-host.ts';
import { FunctionStates } from './function-states.ts';
import { FunctionTable } from './function-table.ts';
import { NodeTransfers } from './node-transfers.ts';
import { startOutputWarden } from './output-warden.ts';
import { openPoolStates } from './pool-state/index.ts';
import { openCopyServer, openSlotStates, type SlotStates } from './slot-state/index.ts';
import { StateMover } from './state-mover/index.ts';
import type { ToWorker } from './worker-messages.ts';

/** More than the window of a transfer. */
export const STATE_QUEUE_BYTES_MAX = 4_194_304;

export interface FunctionSideOptions {
  /** Folder of the agent, which it has locked. */
  readonly folder: string;
  /** Where functions are reached, and where their state is taken, now. */
  readonly address: () => string;
  readonly freePorts: boolean;
  /** Control group below which functions get theirs, see `openFunctionGroups`. */
  readonly cgroup: string;
  /** 0: any. */
  readonly statePort: number;
  /** With `stateRule`, and a queue of `STATE_QUEUE_BYTES_MAX`. */
  readonly stateTransport: StreamTransport;
  /** With `replicationRule`: where copies of slots' state are taken, and brought; absent: nowhere. */
  readonly replication?: {
    readonly transport: StreamTransport;
    /** 0: any. */
    readonly port: number;
    readonly post: (message: ToWorker) => void;
    /** To which secrets of these copies are sealed. */
    readonly sealKey: SealKey;
  };
  readonly peerOf: (connection: Connection) => number | null;
  /** Node ID of this node, once it is known. */
  readonly self: () => number;
  readonly clocks: Clocks;
  readonly clock: Clock;
  /** Gives an input to the agent core. */
  readonly give: (input: AgentInput) => void;
  readonly logger: Logger;
  readonly onFault: (fault: DriverFault) => void;
}

type OfFunctions = Extract<
  AgentOutput,
  {
    readonly type:
      | 'start'
      | 'stop'
      | 'check-health'
      | 'keep'
      | 'cookie-secrets'
      | 'role'
      | 'receive-state'
      | 'send-state'
      | 'keep-state'
      | 'select-sessions'
      | 'expect-sessions'
      | 'send-sessions'
      | 'receive-sessions'
      | 'cancel-transfer'
      | 'settle-transfer'
      | 'event';
  }
>;

/** What an agent does with the functions of its node, in a set or alone. */
export interface FunctionSide {
  readonly host: FunctionHost;
  readonly transfers: NodeTransfers;
  /** Null: the state of slots is not shared here. */
  readonly slotStates: SlotStates | null;
  /** The set as the manager says it: whose state goes where. */
  configure(configuration: SetConfiguration): void;
  readonly effects: EffectHandlers<OfFunctions>;
  /** Moment at which the function table began, as an NTP timestamp: kept when functions of a former agent were. */
  readonly bootTime: bigint;
  /** Whether a former agent began that table. */
  readonly isKept: boolean;
  /** Takes over what a former agent left, with what is known of slots; first of all, once the agent core takes inputs. */
  adopt(configuration: SetConfiguration | null, slots?: readonly SlotState[]): Promise<void>;
  /** Touches no function: the next agent of this folder takes them over. */
  leave(): Promise<void>;
  /** Ends functions and transfers. */
  close(): Promise<void>;
}

/** @throws TransportError when state cannot be taken at the address; Error for a damaged table of functions */
export async function openFunctionSide(options: FunctionSideOptions): Promise<FunctionSide> {
  const { folder, freePorts, clocks, clock, give, logger, onFault } = options;
  const warn = (message: string): void => logger.warn({ of: 'functions' }, message);
  const table = FunctionTable.open({ folder, wallMs: () => clocks.wallMs(), warn });
  const { groups, traffic, networks, containers } = await functionGroupsOf(
    folder,
    options.cgroup,
    logger,
    table,
  );
  const poolStates = openPoolStates(options, () => states.mergeAnew());
  const states = new FunctionStates({
    folder: `${folder}/sockets`,
    give,
    ...(poolStates && { replicaOf: (functionId) => poolStates.of(functionId) }),
    logger,
  });
  const transfers = new NodeTransfers({
    mover: await StateMover.open({
      transport: options.stateTransport,
      peerOf: options.peerOf,
      listen: { host: options.address(), port: options.statePort },
      folder: `${folder}/transfers`,
      clock,
      logger,
      onFault,
    }),
    self: options.self,
    states,
    give,
    clock,
    logger,
  });
  const host = new FunctionHost({
    states,
    folder,
    get address() {
      return options.address();
    },
    freePorts,
    clocks,
    give,
    groups,
    traffic,
    networks,
    containers,
    table,
    warn,
  });
  const copies = await openCopyServer(options, (connection, frame) => poolStates?.read(connection, frame));
  const slotStates = copies && openSlotStates(options, copies, states);
  const warden = startOutputWarden(folder);
  return {
    host,
    transfers,
    slotStates,
    configure: (configuration) => {
      slotStates?.configure(configuration);
      poolStates?.configure(configuration);
    },
    bootTime: table.bootTime,
    isKept: table.isKept,
    adopt: async (configuration, slots = []) => {
      const functions = await adoptFunctions({ table, host, undecided: transfers.undecided });
      if (functions.length > 0) logger.info(summary(functions), 'functions of the agent before');
      give({ type: 'adopt', configuration, functions, slots });
      states.tellSessions();
      host.follow();
      transfers.settle(functions);
    },
    leave: async () => {
      host.leave();
      table.close();
      warden.release();
      await slotStates?.close();
      await Promise.all([states.leave(), transfers.close()]);
      await poolStates?.close();
      await copies?.close();
    },
    effects: {
      // Not awaited: one program must not hold up another's news.
      start: (output) => void host.start(output),
      stop: (output) => void host.stop(output),
      'check-health': (output) => void host.check(output),
      keep: ({ functionId, record }) => table.keep(functionId, record),
      'cookie-secrets': ({ functionId, handed }) => states.hand(functionId, handed),
      role: (output) => void states.role(output),
      'receive-state': (output) => transfers.receive(output),
      'send-state': (output) => transfers.send(output),
      'keep-state': ({ functionId }) => void transfers.keep(functionId),
      'select-sessions': (output) => void transfers.sessions.select(output),
      'expect-sessions': (output) => void transfers.sessions.expect(output),
      'send-sessions': (output) => transfers.sessions.send(output),
      'receive-sessions': (output) => transfers.sessions.receive(output),
      'cancel-transfer': (output) => transfers.cancel(output),
      'settle-transfer': (output) => transfers.decide(output),
      event: ({ severity, message }) =>
        logger[severity === 'warning' ? 'warn' : severity]({ of: 'functions' }, message),
    },
    close: async () => {
      await slotStates?.close();
      await Promise.all([host.close(), transfers.close()]);
      // What functions changed until their end is for the others.
      await poolStates?.close();
      await copies?.close();
      table.end();
      warden.end();
    },
  };
}

function summary(functions: readonly AdoptedFunction[]): {
  readonly adopted: string[];
  readonly ended: string[];
} {
  const names = (live: boolean): string[] =>
    functions.flatMap(({ process, record: { name } }) => ((process !== null) === live ? [name] : []));
  return { adopted: names(true), ended: names(false) };
}
