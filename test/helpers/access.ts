/** Users and ACLs in a temporary folder, or in one that is given. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Access } from "../../src/access/access.ts";
import type { AclEntry } from "../../src/access/acl.ts";
import type { AuthorizationRules } from "../../src/access/acl-book.ts";
import { openAccess } from "../../src/access/open-access.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { disk } from "../../src/base/disk.ts";
import { systemRandom } from "../../src/base/random.ts";

export interface TestAccess extends Access {
  /** Closes the database and removes its folder, unless that was given. */
  close(): void;
}

export async function openTestAccess(
  options: Partial<AuthorizationRules> & { folder?: string; clock?: Clock } = {},
): Promise<TestAccess> {
  const { folder = mkdtempSync(join(tmpdir(), "voik-access-")), clock = systemClock, ...rules } = options;
  const access = await openAccess({
    path: join(folder, "access.db"),
    fileSystem: disk,
    clock,
    random: systemRandom,
    rules: { enforcing: true, superUsers: new Set(), allowEveryoneIfNoAcl: false, ...rules },
  });
  return {
    ...access,
    close() {
      access.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** "allow User:ann read topic orders", with " prefixed" or " from <host>" behind it. */
export function acl(text: string): AclEntry {
  const [, permission, principal, operation, resourceType, resourceName, prefixed, host] =
    /^(\S+) (\S+) (\S+) (\S+) (\S+)( prefixed)?(?: from (\S+))?$/.exec(text) ?? [];
  if (resourceName === undefined) throw new Error(`not an ACL entry: ${text}`);
  const patternType = prefixed === undefined ? "literal" : "prefixed";
  const entry = {
    resourceType,
    resourceName,
    patternType,
    principal,
    host: host ?? "*",
    operation,
    permission,
  };
  return entry as AclEntry;
}
