/**
 * The face of access control that the edges see: who users are (Users), what they may do (Acls) and how fast (Quotas),
 * and the one question of every request (`authorize`). Both edges ask the same rules under the same principal, "User:<name>".
 */
import type { AclEntry, AclFilter, AclOperation, ResourceType } from "./acl.ts";
import type { Quota, QuotaChange, QuotaKey } from "./quota.ts";
import type { ScramCredential, ScramMechanism } from "./scram.ts";

export interface User {
  readonly name: string;
  readonly createdAtMs: number;
  readonly mechanisms: readonly ScramMechanism[];
  readonly accessKeyIds: readonly string[];
}

/** An AWS access key pair of a user. The secret signs, so it has to be kept as it is (docs/decisions/0125). */
export interface AccessKey {
  readonly id: string;
  readonly secret: string;
  readonly user: string;
}

/** A change is durable when its call returns. All throw VoikError disk_full or storage_failed. */
export interface Users {
  /** By name. */
  list(): User[];
  find(name: string): User | undefined;
  /**
   * Makes a user; without a password it can only have access keys. Throws VoikError user_exists, and
   * argument_invalid for a name or password that can't be one.
   */
  create(name: string, password: string | undefined): Promise<void>;
  /** Forgets a user with password and access keys; ACL entries stay. Throws VoikError user_not_found. */
  delete(name: string): void;
  /** Replaces the credentials of all mechanisms. Throws VoikError user_not_found, argument_invalid. */
  setPassword(name: string, password: string): Promise<void>;
  /** Whether `password` is the user's; takes as long for a user that does not exist. */
  passwordMatches(name: string, password: string): Promise<boolean>;

  scramCredential(name: string, mechanism: ScramMechanism): ScramCredential | undefined;
  /** What a client is shown for a user without a credential, so that it learns nothing: no proof matches it. */
  decoyCredential(name: string, mechanism: ScramMechanism): ScramCredential;
  /** Sets one mechanism's credential, making the user when it is missing. Throws VoikError argument_invalid. */
  setScramCredential(name: string, mechanism: ScramMechanism, credential: ScramCredential): void;
  /** Takes one mechanism's credential away; whether there was one. */
  deleteScramCredential(name: string, mechanism: ScramMechanism): boolean;

  /** A new access key pair. Throws VoikError user_not_found, limit_exceeded. */
  createAccessKey(name: string): AccessKey;
  /** Takes an access key away; whether there was one. */
  deleteAccessKey(id: string): boolean;
  accessKey(id: string): AccessKey | undefined;
}

export interface Acls {
  /** Grows with every change, so that answers can be kept until then. */
  readonly version: number;
  /** In an order that stays the same. */
  list(filter: AclFilter): AclEntry[];
  /** Adds entries, all or none; one that is there already stays. Throws VoikError argument_invalid, limit_exceeded. */
  add(entries: readonly AclEntry[]): void;
  /** Deletes what the filter means, and returns it. */
  delete(filter: AclFilter): AclEntry[];
}

/** What holds for one client, and who shares it: all of a user, all with a client id, or all that have both. */
export interface Rate {
  readonly bytesPerSecond: number;
  readonly ofUser: boolean;
  readonly ofClientId: boolean;
}

export interface Quotas {
  /** Grows with every change, so that answers can be kept until then. */
  readonly version: number;
  readonly isEmpty: boolean;
  /** In an order that stays the same, those of an entity together. */
  list(): Quota[];
  /**
   * Makes the changes in turn, all or none, durably. Throws VoikError argument_invalid, limit_exceeded, disk_full or
   * storage_failed.
   */
  alter(changes: readonly QuotaChange[]): void;
  /** The quota of a client, undefined when none is for it. `user` is a principal's name without "User:". */
  rateOf(user: string, clientId: string, key: QuotaKey): Rate | undefined;
}

export interface Access {
  readonly users: Users;
  readonly acls: Acls;
  readonly quotas: Quotas;
  /** Whether ACLs are enforced (--authorization=acl); if not, `authorize` always says yes: hot paths need not ask. */
  readonly enforcing: boolean;
  /** Whether `principal` may do `operation` to the resource from `host`, an address (`hostOf`). */
  authorize(
    principal: string,
    host: string,
    operation: AclOperation,
    resourceType: ResourceType,
    resourceName: string,
  ): boolean;
  /** Whether there is any resource of the type to which it may (KIP-679: idempotent writers need no more). */
  authorizeAny(principal: string, host: string, operation: AclOperation, resourceType: ResourceType): boolean;
}
