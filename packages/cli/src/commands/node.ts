// SPDX-License-Identifier: Apache-2.0
import { hostname } from 'node:os';
import type { MobilityTransportKind } from '@vnfpool/daemons/node-alone';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import {
  type HostAndPort,
  hostAndPortOption,
  type MobilitySecurityOptions,
  readMobilitySecurity,
  transportOption,
  withMobilitySecurity,
} from '../mobility/security-options.ts';
import { readCatalogue } from '../mobility/specification-file.ts';
import { addressOrLinkOption, joinOption, portOption } from './daemon-options.ts';
import {
  DISCOVERY_OPTIONS,
  type DiscoveryOptions,
  readDiscovery,
  withDiscovery,
} from './discovery-options.ts';
import { addNodeDrain } from './node-drain.ts';
import { addNodeMaintenance } from './node-maintenance.ts';
import { addNodeTop } from './node-top.ts';

interface Said extends MobilitySecurityOptions, DiscoveryOptions {
  readonly state?: string;
  readonly listen?: string;
  readonly name?: string;
  readonly port?: number;
  readonly interface?: string;
  readonly loopback?: boolean;
  readonly join?: string;
  readonly manager?: HostAndPort;
  readonly transport?: readonly MobilityTransportKind[];
  readonly nodeId?: number;
  readonly catalogue?: string;
  readonly cgroup?: string;
  readonly statePort?: number;
  readonly takeOver?: boolean;
  readonly waitVote?: boolean;
}

type Options = Said & { readonly state: string; readonly listen: string };

/** Options that only one of the two kinds of node has. */
const OF_A_SET = [
  'name',
  'port',
  'interface',
  'join',
  'cgroup',
  'takeOver',
  'waitVote',
  ...DISCOVERY_OPTIONS,
] as const;
const ALONE = ['nodeId', 'catalogue', 'statePort', 'plain', 'protectedPath', 'cert', 'key', 'ca'] as const;

const after = `
Example, a node of a set:
  # vnfpool node --state /var/lib/vnfpool --listen 192.0.2.11 --interface eth0 --join TOKEN

A node without a set, for anyone's manager, with programs that are chosen by name:
  $ vnfpool node --manager 192.0.2.1 --cert node.pem --key node.key --ca ca.pem --state ./node --listen 192.0.2.11 \\
      --catalogue programs.yaml`;

export function addNode(program: Command, io: CliIo): void {
  const node = withMobilitySecurity(
    program
      .command('node')
      // Of `node top`, what stands behind `top` is its own.
      .enablePositionalOptions()
      .summary('run the agent of an execution node')
      .description(
        'Runs the agent of an execution node: it runs functions, keeps leases, moves virtual addresses (as root) and fences them. With --manager it ' +
          "belongs to no set: it runs functions for anyone's manager of the service-mobility protocol, without leases and addresses. SIGTERM ends " +
          'the functions with it; at SIGUSR2, or when it is killed, they run on and the next agent of the folder has them.',
      )
      // Not of `node top`, so their absence is told below.
      .option('--state <dir>', 'folder of keys, lease register and output of functions; must be given')
      .addOption(
        addressOrLinkOption(
          '--listen <address|link>',
          'address of this node, or a link whose address is followed as it changes; must be given',
        ),
      )
      .option('--name <name>', 'name of the node in the set; default: the host name')
      .addOption(portOption('--port <port>', 'UDP port of lease datagrams; 0 is any; default 49880'))
      .option(
        '--interface <link>',
        'link of the virtual addresses; without: none are raised and nothing is fenced',
      )
      .option('--loopback', 'several nodes share one address: functions get free ports')
      .option(
        '--cgroup <group>',
        "control group below which functions get theirs, for limits and accounting: a path, `auto` for the agent's own, or `none`; default: auto",
      )
      .addOption(joinOption())
      .option(
        '--take-over',
        'take the place of the agent that runs on the folder, with the slots that it holds: how an agent is upgraded',
      )
      .option(
        '--wait-vote',
        'say `ready` only when this node votes in its councils: an agent that is started anew is mute for its longest lease before',
      )
      .addOption(
        hostAndPortOption(
          '--manager <host:port>',
          'without a set: whose orders are taken; default port 49877',
          1,
        ),
      )
      .addOption(transportOption(' and without a set; default tcp', false))
      .addOption(
        new Option(
          '--node-id <id>',
          'without a set: our Node ID; default: what the manager gave the last time, or gives',
        ).argParser(readNodeId),
      )
      .addOption(
        portOption(
          '--state-port <port>',
          "without a set: TCP port at which functions' state is taken; default any",
        ),
      )
      .option(
        '--catalogue <file>',
        'without a set: programs by function name, YAML or JSON; nothing else is run then',
      ),
  );
  withDiscovery(node)
    .addHelpText('after', after)
    .action(async (given: Said, command: Command) => {
      const options = complete(given);
      // VNFPOOL_JOIN may be set for other purposes.
      const said = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
      if (options.manager === undefined) {
        const foreign = ALONE.find(said);
        if (foreign !== undefined)
          throw new CliError(2, `--${dashed(foreign)} is of a node without a set: say --manager too`);
        await startMember(options);
        return;
      }
      const foreign = OF_A_SET.find(said);
      if (foreign !== undefined)
        throw new CliError(2, `--${dashed(foreign)} is of a node of a set, which has no --manager`);
      await startAlone(options, options.manager, io);
    });
  addNodeTop(node, io);
  addNodeDrain(node, io);
  addNodeMaintenance(node, io);
}

function complete(said: Said): Options {
  const { state, listen } = said;
  if (state === undefined) throw new CliError(2, "required option '--state <dir>' not specified");
  if (listen === undefined) throw new CliError(2, "required option '--listen <address|link>' not specified");
  return { ...said, state, listen };
}

async function startMember(options: Options): Promise<void> {
  const [transport = 'tcp'] = options.transport ?? [];
  if (transport === 'sctp')
    throw new CliError(2, '--transport sctp is of a node without a set: in a set everything goes by TLS');
  const discovery = readDiscovery(options);
  const { LEASE_PORT, runNode } = await import('@vnfpool/daemons/node');
  const { serve } = await import('@vnfpool/daemons/serve');
  await serve('node', async (logger) => {
    const node = await runNode(
      {
        state: options.state,
        name: options.name ?? hostname(),
        listen: options.listen,
        port: options.port ?? LEASE_PORT,
        interface: options.interface ?? null,
        loopback: options.loopback ?? false,
        join: options.join ?? null,
        cgroup: options.cgroup ?? 'auto',
        discovery,
        multipath: transport === 'mptcp',
        takesOver: options.takeOver ?? false,
      },
      logger,
    );
    const ready = options.waitVote ? node.start.votes() : Promise.resolve();
    const facts = () => ({ nodeId: node.nodeId, leasePort: node.leasePort, ...node.start.facts() });
    return { facts, ready, stop: () => node.stop(), leave: () => node.leave() };
  });
}

async function startAlone(options: Options, manager: HostAndPort, io: CliIo): Promise<void> {
  const security = readMobilitySecurity(options, manager);
  const [transport = 'tcp'] = options.transport ?? [];
  const catalogue = options.catalogue === undefined ? null : await readCatalogue(options.catalogue, io);
  const { runNodeAlone } = await import('@vnfpool/daemons/node-alone');
  const { serve } = await import('@vnfpool/daemons/serve');
  await serve('node', async (logger) => {
    const node = await runNodeAlone(
      {
        state: options.state,
        manager,
        transport,
        security,
        listen: options.listen,
        statePort: options.statePort ?? 0,
        loopback: options.loopback ?? false,
        nodeId: options.nodeId ?? null,
        catalogue,
      },
      logger,
    );
    const facts = { manager: `${manager.host}:${manager.port}`, programs: catalogue?.size ?? null };
    return { facts, stop: () => node.stop(), leave: () => node.leave() };
  });
}

function readNodeId(text: string): number {
  const id = Number(text);
  if (!/^[1-9]\d{0,9}$/.test(text) || id > 0xffff_fffe)
    throw new InvalidArgumentError('It is a number from 1 to 4294967294.');
  return id;
}

function dashed(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
