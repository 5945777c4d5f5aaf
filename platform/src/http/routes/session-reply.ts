import type { SessionReply } from "@gantry/sdk/contract";
import type { Request, Response } from "express";
import type { Visitor } from "../browser.ts";
import type { Edge } from "../edge.ts";
import { userView } from "../user-view.ts";

/** What the dashboard has to know first. `cookie` is the session's, where it has just begun. */
export async function sessionReply(
  edge: Edge,
  { req, res }: { req: Request; res: Response },
  visitor: Visitor,
  cookie?: string,
): Promise<SessionReply> {
  const { accounts } = edge.deps;
  const csrfToken = edge.browser.csrfToken(req, res, cookie);
  const shared = {
    hasPasswordSignIn: accounts.hasPasswordSignIn,
    csrfToken,
    ...(accounts.singleSignOn === undefined ? {} : { oidc: { label: accounts.singleSignOn.label } }),
  };
  switch (visitor.kind) {
    case "stranger": {
      const state = (await accounts.signIn.needsSetup()) ? "setup" : "signedOut";
      return { state, environments: [], ...shared };
    }
    case "local":
      return { state: "local", role: "admin", environments: await environmentsOf(edge), ...shared };
    case "signedIn": {
      const { user } = visitor.signedIn;
      const environments = await environmentsOf(edge);
      return { state: "signedIn", user: userView(user), role: user.role, environments, ...shared };
    }
  }
}

async function environmentsOf(edge: Edge): Promise<SessionReply["environments"]> {
  const all = await edge.deps.projects.environments();
  return all.map(({ projectRef, projectName, slug, type }) => ({
    project: projectRef,
    projectName,
    environment: slug,
    type,
  }));
}
