<?php

declare(strict_types=1);

/**
 * A client of the CCE endpoint that sends and reads what the classes of the
 * BlueOnyx GUI do: what they leave out, escape and rely on is done here in the
 * same way.
 */
final class CceClient
{
    private CurlHandle $http;
    private string $user = '';
    private string $sessionId = '';
    private string $token = '';
    /** @var list<array{code: int, message: string}> */
    private array $errors = [];
    /** How many connections were made for all requests. */
    public int $connections = 0;

    /**
     * @param list<string> $headers further headers of every request
     * @param string $from address of this machine to connect from; empty for any
     */
    public function __construct(string $url, private array $headers = [], string $from = '')
    {
        $this->http = curl_init($url);
        curl_setopt_array($this->http, [
            CURLOPT_POST => true,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 30,
            // The GUI does not check certificates.
            CURLOPT_SSL_VERIFYPEER => false,
            CURLOPT_SSL_VERIFYHOST => 0,
        ]);
        if ($from !== '') {
            curl_setopt($this->http, CURLOPT_INTERFACE, $from);
        }
    }

    public function ping(): bool
    {
        $reply = $this->send(['cmd' => 'PING']);
        return in_array($reply['status'], [200, 202], true) && $reply['message'] === 'PONG';
    }

    public function auth(string $user, string $password): string
    {
        $reply = $this->send(['cmd' => 'AUTH', 'user' => $user, 'password' => $password]);
        $id = $reply['data']['sessionid'] ?? '';
        if ($id !== '') {
            [$this->user, $this->sessionId] = [$user, $id];
        }
        return $id;
    }

    public function authkey(string $user, string $sessionId): bool
    {
        $reply = $this->send(['cmd' => 'AUTHKEY', 'user' => $user, 'sessionid' => $sessionId]);
        if ($reply['status'] == 201) {
            [$this->user, $this->sessionId] = [$user, $sessionId];
        }
        return $reply['status'] == 201;
    }

    public function login(string $secret): string
    {
        $this->headers[] = 'X-Client-Secret: ' . $secret;
        $reply = $this->send(['cmd' => 'LOGIN']);
        return $this->token = $reply['data']['token'] ?? '';
    }

    public function whoami(): string
    {
        return $this->ask(['cmd' => 'WHOAMI'])['data']['oid'] ?? '';
    }

    /** @return array<string, mixed>|null */
    public function get(int $oid, string $namespace = ''): ?array
    {
        $reply = $this->ask(['cmd' => 'GET', 'oid' => (string) $oid, 'namespace' => $namespace]);
        return $reply['status'] === 201 && isset($reply['data']['DATA']) ? $reply['data']['DATA'] : null;
    }

    /** @param array<string, string> $values */
    public function set(int $oid, string $namespace, array $values): bool
    {
        $line = 'SET ' . $oid . ($namespace === '' ? '' : ' . ' . $namespace);
        foreach ($values as $name => $value) {
            $line .= ' ' . $name . '="' . self::escape($value) . '"';
        }
        return $this->isDone($this->ask(['cmd' => $line]));
    }

    /** @return list<string> */
    public function find(string $class, array $criteria = []): array
    {
        return $this->ask(['cmd' => 'FIND', 'class' => $class, 'args' => $criteria])['data']['oidlist'] ?? [];
    }

    /** @return list<string> */
    public function findx(string $class, array $exact = [], array $patterns = [], string $sortType = '', string $sortBy = ''): array
    {
        return $this->ask([
            'cmd' => 'FINDX', 'class' => $class, 'args' => $exact, 'regex_args' => $patterns,
            'sorttype' => $sortType, 'sortprop' => $sortBy,
        ])['data']['oidlist'] ?? [];
    }

    /** @param array<string, mixed> $values */
    public function create(string $class, array $values): int
    {
        $reply = $this->ask(['cmd' => 'CREATE', 'class' => $class, 'data' => $values]);
        return $this->isDone($reply) ? (int) ($reply['data']['oid'] ?? $reply['data']['oidlist'][0] ?? 0) : 0;
    }

    public function destroy(int $oid): bool
    {
        return $this->isDone($this->ask(['cmd' => 'DESTROY', 'oid' => (string) $oid]));
    }

    /**
     * @param int|string $object an OID or the name of a class
     * @return list<string>
     */
    public function names(int|string $object): array
    {
        return $this->ask(['cmd' => 'NAMES', 'oid' => (string) $object])['data']['namespaces'] ?? [];
    }

    /** @return list<string> */
    public function classes(): array
    {
        return $this->ask(['cmd' => 'CLASSES', 'oid' => ''])['data']['classes'] ?? [];
    }

    /** The GUI's classes lose the criteria, so this is the first object of a class. */
    public function getObject(string $class, string $namespace = ''): ?array
    {
        $reply = $this->ask(['cmd' => 'GETOBJECT', 'class' => $class, 'namespace' => $namespace]);
        return $reply['data']['DATA'] ?? null;
    }

    /** @return array<int|string, array<string, array<string, mixed>>> */
    public function getAll(string $class, array $criteria = [], array $oids = []): array
    {
        return $this->ask(['cmd' => 'GETALL', 'class' => $class, 'args' => $criteria, 'oids' => $oids])['data']['objects'] ?? [];
    }

    public function begin(): int
    {
        return (int) ($this->ask(['cmd' => 'BEGIN'])['data']['oid'] ?? 0);
    }

    public function commit(): int
    {
        return (int) ($this->ask(['cmd' => 'COMMIT'])['data']['oid'] ?? 0);
    }

    public function suspend(string $reason = ''): bool
    {
        return $this->isDone($this->ask(['cmd' => 'ADMIN SUSPEND', 'reason' => $reason]));
    }

    public function resume(): bool
    {
        return $this->isDone($this->ask(['cmd' => 'ADMIN RESUME']));
    }

    /** What there is to say of it, or false. */
    public function suspended(): mixed
    {
        return $this->ask(['cmd' => 'SUSPENDED'])['data'] ?? false;
    }

    public function endkey(): bool
    {
        return $this->isDone($this->ask(['cmd' => 'ENDKEY']));
    }

    public function bye(): bool
    {
        return $this->isDone($this->ask(['cmd' => 'BYE']));
    }

    /**
     * What was wrong with the last request, one entry for each code.
     *
     * @return list<array{code: int, message: string}>
     */
    public function errors(): array
    {
        return $this->errors;
    }

    /** Sends a request as whoever has logged in. */
    private function ask(array $request): array
    {
        $who = $this->token !== '' ? ['token' => $this->token] : ['user' => $this->user, 'sessionid' => $this->sessionId];
        return $this->send($request + $who);
    }

    private function send(array $request): array
    {
        $request = array_filter($request, fn($field) => $field !== '' && $field !== null && $field !== []);
        curl_setopt($this->http, CURLOPT_HTTPHEADER, [...$this->headers, 'Content-Type: application/json']);
        curl_setopt($this->http, CURLOPT_POSTFIELDS, json_encode($request, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE));
        $body = curl_exec($this->http);
        if ($body === false) {
            throw new RuntimeException('curl: ' . curl_error($this->http));
        }
        $this->connections += curl_getinfo($this->http, CURLINFO_NUM_CONNECTS);
        $reply = json_decode($body, true);
        if (!is_array($reply)) {
            $reply = ['status' => 500, 'message' => 'Invalid API response'];
        }
        $this->errors = self::errorsOf($reply);
        return $reply;
    }

    private static function errorsOf(array $reply): array
    {
        $byCode = [];
        foreach ($reply['data']['errors'] ?? [] as $error) {
            if (($error['code'] ?? 0) >= 300) {
                $byCode[$error['code']] ??= preg_replace('/^WARN /', '', $error['message']);
            }
        }
        if ($byCode === [] && $reply['status'] >= 300) {
            $byCode[$reply['status']] = $reply['message'];
        }
        return array_map(fn($code, $message) => ['code' => $code, 'message' => $message], array_keys($byCode), $byCode);
    }

    private function isDone(array $reply): bool
    {
        return in_array($reply['status'], [200, 201], true);
    }

    /** How the GUI's classes write a value between quotes. */
    private static function escape(string $value): string
    {
        return strtr($value, ['\\' => '\\\\', '"' => '\\"', "\n" => '\\n', "\r" => '\\r', "\t" => '\\t', "\f" => '\\f']);
    }
}
