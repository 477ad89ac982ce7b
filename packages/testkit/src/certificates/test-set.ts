// SPDX-License-Identifier: Apache-2.0
import { Authority, type IssueOrder } from '@vnfpool/runtime/authority';
import { type Credentials, createPrivateKeyPem, createRequestPem } from '@vnfpool/runtime/certificates';

/** A set's authority for one test, and credentials of it for loopback. */
export interface TestSet {
  readonly authority: Authority;
  credentials(identity: IssueOrder['identity'], order?: Partial<IssueOrder>): Promise<Credentials>;
}

export async function testSet(domain = 'test'): Promise<TestSet> {
  const { authority } = await Authority.create(domain, Date.now());
  return {
    authority,
    credentials: async (identity, order = {}) => {
      const key = createPrivateKeyPem();
      const request = createRequestPem(key, identity.name);
      const certificate = await authority.issue(
        request,
        { addresses: ['127.0.0.1'], ...order, identity },
        Date.now(),
      );
      return { key, certificate, ca: authority.certificatePem };
    },
  };
}
