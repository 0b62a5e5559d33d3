<?php

declare(strict_types=1);

/*
 * Does with each method of the client what the GUI does, and says what is not as
 * it relies on. Standard input has a JSON object: "url"; for a program on this
 * machine "user" and "password", for one elsewhere "secret", "from" and
 * "headers".
 */

require __DIR__ . '/CceClient.php';

$failures = 0;

function check(string $what, mixed $got, mixed $want): void
{
    if ($got !== $want) {
        $GLOBALS['failures']++;
        $show = fn($value) => substr(var_export($value, true), 0, 400);
        echo "$what: {$show($got)}\nwant {$show($want)}\n";
    }
}

/** The codes of what was wrong with the last request. */
function codes(CceClient $cce): array
{
    return array_column($cce->errors(), 'code');
}

function checkLocalLogin(CceClient $cce, object $given): void
{
    check('auth with a wrong password', $cce->auth($given->user, 'wrong'), '');
    check('its error', $cce->errors(), [['code' => 401, 'message' => 'FAIL']]);
    check('whoami before auth', $cce->whoami(), '-1');
    $id = $cce->auth($given->user, $given->password);
    check('session id', preg_match('/^[A-Za-z0-9]{63}$/', $id), 1);
    check('authkey', $cce->authkey($given->user, $id), true);
    check('authkey with a wrong id', $cce->authkey($given->user, 'wrong'), false);
}

function checkRemoteLogin(CceClient $cce, object $given): void
{
    $elsewhere = new CceClient($given->url, $given->headers, $given->from);
    check('login with a wrong secret', $elsewhere->login('wrong'), '');
    check('its error', $elsewhere->errors(), [['code' => 500, 'message' => 'Invalid API response']]);
    check('auth from elsewhere', $cce->auth('admin', 'guess'), '');
    check('its error', $cce->errors(), [['code' => 403, 'message' => 'AUTH and AUTHKEY only allowed from localhost']]);
    check('token', preg_match('/^[A-Za-z0-9]{64}$/', $cce->login($given->secret)), 1);
}

function checkReading(CceClient $cce): void
{
    check('whoami', $cce->whoami(), '2');
    check('get', $cce->get(1)['productname'], 'Lab 1');
    check('get of a namespace', $cce->get(1, 'Time')['timeZone'], 'US/Eastern');
    check('get of nothing', $cce->get(4711), null);
    check('its errors', $cce->errors(), [['code' => 300, 'message' => 'UNKNOWN OBJECT 4711'], ['code' => 401, 'message' => 'FAIL']]);
    check('find', $cce->find('Vsite', ['name' => 'site2']), ['7']);
    check('find of nothing', $cce->find('Vsite', ['name' => 'nobody']), []);
    check('find in an unknown class', [$cce->find('Nothing'), codes($cce)], [[], [301, 401]]);
    check('findx', $cce->findx('Vsite', ['domain' => 'smd.example'], ['fqdn' => '^[at]'], 'old_numeric', 'maxusers'), ['6', '7']);
    check('findx of nothing', $cce->findx('Vsite', [], ['fqdn' => '^q']), []);
    check('names of an object', $cce->names(1), ['Snmp', 'Time']);
    check('names of a class', $cce->names('Vsite'), ['Disk', 'PHP']);
    check('classes', in_array('Vsite', $cce->classes(), true), true);
    check('getObject', $cce->getObject('System')['hostname'], 'lab');
    check('getObject with a namespace', $cce->getObject('System', 'Snmp')['readCommunity'], 'public');
    $all = $cce->getAll('Vsite', ['name' => 'site1']);
    check('getAll of a class', [array_keys($all), array_keys($all[6])], [[6], ['OBJECT', 'Disk', 'PHP']]);
    check('getAll of objects', array_keys($cce->getAll('', [], ['6', '8'])), [6, 8]);
    check('getAll of nothing', $cce->getAll('Vsite', ['name' => 'nobody']), []);
}

function checkWriting(CceClient $cce): void
{
    $oid = $cce->create('User', ['name' => 'pat', 'fullName' => 'Pat', 'systemAdministrator' => false, 'capabilities' => ['a', 'b&c']]);
    check('create', $oid > 0, true);
    $user = $cce->get($oid);
    check('what was created', [$user['fullName'], $user['systemAdministrator'], $user['capabilities']], ['Pat', '0', '&a&b%26c&']);
    check('set in a namespace', $cce->set($oid, 'Disk', ['quota' => '40', 'used' => '2']), true);
    check('what was set', $cce->get($oid, 'Disk')['quota'], '40');
    check('set of bad data', $cce->set($oid, 'Disk', ['quota' => 'much']), false);
    check('its errors', $cce->errors(), [
        ['code' => 302, 'message' => "BAD DATA $oid quota \"[[base-cce.invalidData]]\""], ['code' => 401, 'message' => 'FAIL'],
    ]);
    check('destroy', [$cce->destroy($oid), $cce->get($oid)], [true, null]);
    check('create with an unknown property', [$cce->create('User', ['name' => 'pat', 'nosuch' => 'x']), codes($cce)], [0, [302, 401]]);
    $probe = $cce->create('Probe', ['name' => 'p', 'mode' => 'warn']);
    check('a handler warns', [$probe > 0, codes($cce)], [true, [305]]);
    check('the warning', str_starts_with($cce->errors()[0]['message'], 'WARN'), false);
    check('destroy', $cce->destroy($probe), true);
}

/** Values that a client or a server may stumble over come back as they were sent. */
function checkOddValues(CceClient $cce): void
{
    $oid = $cce->create('Probe', ['name' => 'odd']);
    $odd = [
        'quotes' => '"say" \'it\' "', 'backslashes' => '\\ \\\\ C:\\new\\table \\', 'lines' => "one\ntwo\r\n\tthree\f\n",
        'UTF-8' => "caf\u{e9} \u{65e5}\u{672c}\u{8a9e} \u{1f600}", 'what looks like an escape' => 'caf\\u00e9 \\351 %0a',
        'what looks like a reply' => "x\"\n201 OK\n102 DATA a = \"b", 'a list' => '&a&b%26c&', 'signs' => '$x; `id` #{} <b>&amp;',
        'nothing' => '', '300 kB' => str_repeat("0123456789 \u{e4}\"\\\n", 20000),
    ];
    foreach ($odd as $what => $value) {
        check("set: $what", $cce->set($oid, '', ['note' => $value]), true);
        check("get after set: $what", $cce->get($oid)['note'], $value);
        $other = $cce->create('Probe', ['name' => 'odd', 'note' => $value]);
        check("get after create: $what", $cce->get($other)['note'], $value);
        // An empty list of criteria would be all objects.
        check("find: $what", in_array((string) $other, $cce->find('Probe', ['note' => $value]), true), true);
        check('destroy', $cce->destroy($other), true);
    }
    check('destroy', $cce->destroy($oid), true);
}

function checkTransactions(CceClient $cce): void
{
    check('begin', [$cce->begin(), $cce->errors()], [0, []]);
    // The GUI's classes take "queued" for a failure, but one without a reason.
    check('set while it is open', [$cce->set(3, '', ['description' => 'first']), $cce->errors()], [false, []]);
    check('get while it is open', $cce->get(3)['description'], '');
    check('commit', [$cce->commit(), $cce->errors()], [0, []]);
    check('what was committed', $cce->get(3)['description'], 'first');
    $cce->begin();
    $cce->set(3, '', ['description' => 'second']);
    $cce->set(3, '', ['nosuch' => 'x']);
    $cce->commit();
    check('commit of what is wrong', codes($cce), [409]);
    check('nothing of it was stored', $cce->get(3)['description'], 'first');
    $cce->commit();
    check('commit without begin', codes($cce), [400]);
    check('set', $cce->set(3, '', ['description' => '']), true);
}

function checkSuspension(CceClient $cce): void
{
    check('suspended before', $cce->suspended(), false);
    check('suspend', $cce->suspend('back at "noon"'), true);
    check('suspended', $cce->suspended(), ['reason' => 'back at "noon"']);
    check('set while suspended', [$cce->set(3, '', ['description' => 'x']), codes($cce)], [false, [309, 401]]);
    check('the reason', $cce->errors()[0]['message'], 'SUSPENDED "back at \\"noon\\""');
    check('resume', $cce->resume(), true);
    check('suspended after', $cce->suspended(), false);
}

$given = json_decode(stream_get_contents(STDIN), false, 8, JSON_THROW_ON_ERROR);
$listed = isset($given->secret);
$cce = new CceClient($given->url, $given->headers ?? [], $given->from ?? '');
check('ping', $cce->ping(), true);
$listed ? checkRemoteLogin($cce, $given) : checkLocalLogin($cce, $given);
checkReading($cce);
checkWriting($cce);
checkOddValues($cce);
checkTransactions($cce);
checkSuspension($cce);
check('the end', $listed ? $cce->bye() : $cce->bye() && $cce->endkey(), true);
check('get after the end', [$cce->get(1), codes($cce)], [null, [401]]);
check('connections', $cce->connections, 1);
exit($failures > 0 ? 1 : 0);
