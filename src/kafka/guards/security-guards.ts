/** Who may see and change who may do what, and how fast: ACL entries, users' passwords, quotas. */
import { DescribeAcls } from "../messages/29-describe-acls.ts";
import { CreateAcls } from "../messages/30-create-acls.ts";
import { DeleteAcls } from "../messages/31-delete-acls.ts";
import { DescribeClientQuotas } from "../messages/48-describe-client-quotas.ts";
import { AlterClientQuotas } from "../messages/49-alter-client-quotas.ts";
import { DescribeUserScramCredentials } from "../messages/50-describe-user-scram-credentials.ts";
import { AlterUserScramCredentials } from "../messages/51-alter-user-scram-credentials.ts";
import { clusterDenied, guard, type Guard } from "./guard.ts";

export const SECURITY_GUARDS: readonly Guard[] = [
  guard(DescribeAcls, (_request, { may }) =>
    may.cluster("describe") ? undefined : { ...clusterDenied, resources: [] },
  ),
  guard(CreateAcls, ({ creations }, { may }) =>
    may.cluster("alter") ? undefined : { results: creations.map(() => clusterDenied) },
  ),
  guard(DeleteAcls, ({ filters }, { may }) =>
    may.cluster("alter")
      ? undefined
      : { filterResults: filters.map(() => ({ ...clusterDenied, matchingAcls: [] })) },
  ),
  guard(DescribeClientQuotas, (_request, { may }) =>
    may.cluster("describe-configs") ? undefined : { ...clusterDenied, entries: null },
  ),
  guard(AlterClientQuotas, ({ entries }, { may }) =>
    may.cluster("alter-configs")
      ? undefined
      : { entries: entries.map(({ entity }) => ({ ...clusterDenied, entity })) },
  ),
  guard(DescribeUserScramCredentials, (_request, { may }) =>
    may.cluster("describe") ? undefined : { ...clusterDenied, results: [] },
  ),
  guard(AlterUserScramCredentials, ({ deletions, upsertions }, { may }) => {
    if (may.cluster("alter")) return undefined;
    const users = new Set([...deletions, ...upsertions].map(({ name }) => name));
    return { results: [...users].map((user) => ({ user, ...clusterDenied })) };
  }),
];
