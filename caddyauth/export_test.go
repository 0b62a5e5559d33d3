package caddyauth

// ReadHowler reads a file as `caddy auth import howler` does.
var ReadHowler = readHowler
