import type { InvitedUser, UserItem } from "@gantry/sdk";
import type { Role } from "@gantry/sdk/contract";
import { useState } from "react";
import { useSession } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Stack } from "../../ui/page.tsx";
import { AbsoluteTime } from "../../ui/time.tsx";
import classes from "./members.module.css";
import { RoleChoice } from "./role-choice.tsx";
import { useChangeMember, useInvite, useNewLink } from "./use-members.ts";

/** Adds somebody, and shows the link for them this once. */
export function InviteDialog({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [invited, setInvited] = useState<InvitedUser>();
  const { hasPasswordSignIn = true } = useSession();
  const { perform, isBusy, error } = useInvite();
  if (invited !== undefined) return <LinkDialog invited={invited} onClose={onClose} />;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Invite a member"
      onSubmit={() => void perform({ email, name, role }).then(setInvited, () => undefined)}
      footer={
        <Button type="submit" variant="primary" isBusy={isBusy}>
          {hasPasswordSignIn ? "Create the link" : "Add the member"}
        </Button>
      }
    >
      <Stack gap={14}>
        <Field label="E-mail" isRequired>
          <Input type="email" value={email} autoFocus onChange={(event) => setEmail(event.target.value)} />
        </Field>
        <Field label="Name" isRequired>
          <Input value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <RoleChoice value={role} onChange={setRole} />
        {error !== undefined && <ErrorText error={error} />}
      </Stack>
    </Dialog>
  );
}

/** Makes a new link at once: the one before works no more. */
export function NewLinkDialog({ user, onClose }: { user: UserItem; onClose: () => void }) {
  const [invited, setInvited] = useState<InvitedUser>();
  const { perform, isBusy, error } = useNewLink();
  if (invited !== undefined) return <LinkDialog invited={invited} onClose={onClose} />;
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`A new password for ${user.name}`}
      onSubmit={() => void perform(user).then(setInvited, () => undefined)}
      footer={
        <Button type="submit" variant="primary" isBusy={isBusy}>
          Create the link
        </Button>
      }
    >
      <p>
        By the link {user.name} chooses a new password; the old one works until then. A link that was made before works
        no more.
      </p>
      {error !== undefined && <ErrorText error={error} />}
    </Dialog>
  );
}

function LinkDialog({ invited: { user, invitation }, onClose }: { invited: InvitedUser; onClose: () => void }) {
  if (invitation === undefined)
    return (
      <Dialog
        isOpen
        onClose={onClose}
        title={`${user.name} is added`}
        footer={
          <Button variant="primary" onClick={onClose}>
            Close
          </Button>
        }
      >
        <p>They sign in by single sign-on with the address {user.email}; this platform takes no passwords.</p>
      </Dialog>
    );
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`A link for ${user.name}`}
      footer={
        <Button variant="primary" onClick={onClose}>
          I have sent it
        </Button>
      }
    >
      <Notice tone="warning" icon="alert">
        Copy it now: it is never shown again. Whoever opens it first chooses the password of {user.email}.
      </Notice>
      <div className={classes.link}>
        <code data-testid="invitation-link">{invitation.url}</code>
        <CopyButton text={invitation.url} label="Copy the link" isWide />
      </div>
      <p className="muted">
        It works once, until <AbsoluteTime at={invitation.expiresAt} />.
      </p>
    </Dialog>
  );
}

export function EditDialog({ user, onClose }: { user: UserItem; onClose: () => void }) {
  const [name, setName] = useState(user.name);
  const [role, setRole] = useState(user.role);
  const { perform, isBusy, error } = useChangeMember();
  const save = () => perform({ user, change: { name, role }, done: `${name} is saved` });
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Change ${user.name}`}
      onSubmit={() => void save().then(onClose, () => undefined)}
      footer={
        <Button type="submit" variant="primary" isBusy={isBusy}>
          Save
        </Button>
      }
    >
      <Stack gap={14}>
        <Field label="Name" isRequired>
          <Input value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <RoleChoice value={role} onChange={setRole} />
        {error !== undefined && <ErrorText error={error} />}
      </Stack>
    </Dialog>
  );
}
