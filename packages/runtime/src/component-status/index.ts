// SPDX-License-Identifier: Apache-2.0
export { StatusMonitor, type StatusMonitorOptions } from './status-monitor.ts';
export {
  type ComponentReport,
  componentId,
  StatusReporter,
  type StatusReporterOptions,
} from './status-reporter.ts';
