// SPDX-License-Identifier: Apache-2.0
export { exportFlows, type FlowExportResult, type FlowSource, type FlowStateKind } from './export.ts';
export { FlowImporter, type FlowImportResult, type FlowTable } from './import.ts';
export type { FlowRefusal } from './insert.ts';
