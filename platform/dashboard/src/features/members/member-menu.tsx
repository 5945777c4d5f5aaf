import type { UserItem } from "@gantry/sdk";
import { IconButton } from "../../ui/button.tsx";
import { Menu } from "../../ui/menu.tsx";

export type MemberAsked = { what: "edit" | "link" | "signOut" | "disable" | "enable"; user: UserItem };

interface MemberMenuProps {
  user: UserItem;
  /** Nobody locks themselves out by a slip. */
  isSelf: boolean;
  onAsk: (asked: MemberAsked) => void;
}

export function MemberMenu({ user, isSelf, onAsk }: MemberMenuProps) {
  const isDisabled = user.disabledAt !== null;
  return (
    <Menu
      label={`Actions for ${user.name}`}
      align="end"
      trigger={(props) => <IconButton icon="more" label={`Actions for ${user.name}`} size="sm" {...props} />}
      items={[
        { label: "Change name or role", icon: "edit", onSelect: () => onAsk({ what: "edit", user }) },
        {
          label: "Link to a new password",
          icon: "key",
          disabledReason: isDisabled ? "Open the account first." : undefined,
          onSelect: () => onAsk({ what: "link", user }),
        },
        { label: "Sign out everywhere", icon: "logout", onSelect: () => onAsk({ what: "signOut", user }) },
        "separator",
        isDisabled
          ? { label: "Open the account again", icon: "check", onSelect: () => onAsk({ what: "enable", user }) }
          : {
              label: "Close the account",
              icon: "lock",
              isDanger: true,
              disabledReason: isSelf ? "Another admin can close yours." : undefined,
              onSelect: () => onAsk({ what: "disable", user }),
            },
      ]}
    />
  );
}
