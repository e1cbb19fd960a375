/**
 * What one connection's principal may do. Answers are kept until an ACL entry or the principal changes, so that a
 * producer's topic costs one look-up in a small map per request.
 */
import type { Access } from "../../access/access.ts";
import { type AclOperation, CLUSTER_NAME, type ResourceType } from "../../access/acl.ts";
import type { Session } from "./session.ts";

const KEPT_MAX = 1000;

export class Permissions {
  private readonly kept = new Map<string, boolean>();
  private version = -1;
  private principal = "";

  constructor(
    private readonly access: Access,
    private readonly session: Session,
    private readonly host: string,
  ) {}

  /** Whether the principal may do `operation` to the resource. */
  may(operation: AclOperation, type: ResourceType, name: string): boolean {
    const { acls } = this.access;
    const { principal } = this.session;
    const stale = this.version !== acls.version || this.principal !== principal;
    if (stale || this.kept.size >= KEPT_MAX) this.kept.clear();
    this.version = acls.version;
    this.principal = principal;
    const key = `${operation} ${type} ${name}`;
    let answer = this.kept.get(key);
    if (answer === undefined) {
      answer = this.access.authorize(principal, this.host, operation, type, name);
      this.kept.set(key, answer);
    }
    return answer;
  }

  topic(operation: AclOperation, name: string): boolean {
    return this.may(operation, "topic", name);
  }

  group(operation: AclOperation, id: string): boolean {
    return this.may(operation, "group", id);
  }

  transaction(operation: AclOperation, id: string): boolean {
    return this.may(operation, "transactional-id", id);
  }

  cluster(operation: AclOperation): boolean {
    return this.may(operation, "cluster", CLUSTER_NAME);
  }

  /** Whether there is any topic that it may write to. */
  anyTopic(operation: AclOperation): boolean {
    return this.access.authorizeAny(this.session.principal, this.host, operation, "topic");
  }
}
