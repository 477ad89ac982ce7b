// SPDX-License-Identifier: Apache-2.0
export { type EnrpIncoming, enrpRule, readEnrp } from './enrp-stream.ts';
export { enrpTls } from './enrp-tls.ts';
