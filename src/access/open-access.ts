/**
 * Opens access.db and puts users, ACL entries and quotas on top of it. A database that is not there yet is made: without
 * users, nobody has a password, and without entries, `--authorization=acl` lets super users in only.
 */
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { DatabaseFile } from "../base/database.ts";
import type { VoikError } from "../base/errors.ts";
import type { FileSystem } from "../base/file-system.ts";
import type { Random } from "../base/random.ts";
import type { Access } from "./access.ts";
import { ACCESS_FORMAT } from "./access-database.ts";
import { AclBook, type AuthorizationRules } from "./acl-book.ts";
import { QuotaBook } from "./quota-book.ts";
import { UserBook } from "./user-book.ts";

export interface AccessOptions {
  /** The database file; made when missing. */
  path: string;
  fileSystem: FileSystem;
  clock: Clock;
  random: Random;
  rules: AuthorizationRules;
  /** The disk failed under a change: the process has to end. */
  onFailure?: ((error: VoikError) => void) | undefined;
}

/** Throws VoikError storage_damaged, unsupported, disk_full or storage_failed. */
export async function openAccess(options: AccessOptions): Promise<Access & { close(): void }> {
  const { path, fileSystem, clock, random, rules } = options;
  const file = DatabaseFile.open(path, fileSystem, ACCESS_FORMAT, { onFailure: options.onFailure });
  try {
    const users = new UserBook({ file, clock, random });
    const acls = new AclBook(file, rules);
    const quotas = new QuotaBook(file);
    await fileSystem.syncFolder(dirname(path));
    return {
      users,
      acls,
      quotas,
      enforcing: rules.enforcing,
      authorize: acls.authorize.bind(acls),
      authorizeAny: acls.authorizeAny.bind(acls),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}
