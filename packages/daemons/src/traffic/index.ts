// SPDX-License-Identifier: Apache-2.0
export { startTraffic, type TrafficConfig } from './start.ts';
