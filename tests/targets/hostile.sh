# What a script of somebody else's repository might try. Data: tests put it into a scratch repository and run it there,
# in the sandbox alone. Each line it prints says whether an attempt went through.
attempt() { if "${@:2}" >/dev/null 2>&1; then echo "$1: through"; else echo "$1: refused"; fi; }
reach() { exec 3<>"/dev/tcp/127.0.0.1/$1"; }
write() { echo written > "$1"; }
attempt "read a credential that everybody may read" cat "$OUTSIDE/kubeconfig"
attempt "read a credential through a link" cat link-to-kubeconfig
attempt "read the server's environment" grep -q . "/proc/$SERVER/environ"
attempt "read the system's shadow file" cat /etc/shadow
attempt "list a home" ls /root
attempt "list all homes" ls /home
attempt "list the machine's sockets" ls /run
attempt "write outside" write "$OUTSIDE/written"
attempt "write through a link" write link-to-folder/written
attempt "write into the system" write /usr/local/bin/kubectl
attempt "write into the repository it came from" write "$REPOSITORY/written"
attempt "write into the temporary folder of the machine" write "$SHARED"
attempt "reach a server on loopback" reach "$PORT"
attempt "end the server" kill -0 "$SERVER"
attempt "become somebody else" setpriv --reuid=0 true
attempt "mount something" mount -t tmpfs none /mnt
attempt "write into the checkout" write "here"
(setsid bash -c "sleep 300; true" "$STAMP" >/dev/null 2>&1 &)
echo "I am $(id -u)"
