// Starts a Neo4j Community server for the tests: java -cp "<jars>/*" Launcher.java <home> <port> <keys>
//
// Neo4j Community is GPLv3. It is downloaded from Maven Central for tests only and never shipped with this project,
// which talks to it over the network through the Apache-2.0 driver. The server ends when its standard input does, so
// it never outlives the tests that started it.
//
// <keys> is a PKCS12 file with the certificate of the server, password "changeit"; who wants to encrypts. A byte "r" on
// standard input makes the database read-only, "w" writable again.

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.Set;
import org.neo4j.configuration.Config;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.connectors.HttpConnector;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.configuration.ssl.ClientAuth;
import org.neo4j.configuration.ssl.SslPolicyConfig;
import org.neo4j.configuration.ssl.SslPolicyScope;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.kernel.internal.GraphDatabaseAPI;

public class Launcher {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        SocketAddress address = new SocketAddress("127.0.0.1", Integer.parseInt(arguments[1]));
        SslPolicyConfig encryption = SslPolicyConfig.forScope(SslPolicyScope.BOLT);
        DatabaseManagementService server = new DatabaseManagementServiceBuilder(home)
                .setConfig(BoltConnector.enabled, true)
                .setConfig(BoltConnector.listen_address, address)
                .setConfig(BoltConnector.advertised_address, address)
                .setConfig(BoltConnector.encryption_level, BoltConnector.EncryptionLevel.OPTIONAL)
                .setConfig(encryption.enabled, true)
                .setConfig(encryption.client_auth, ClientAuth.NONE)
                .setConfig(encryption.base_directory, certificate(home.resolve("certificate"), Path.of(arguments[2])))
                .setConfig(HttpConnector.enabled, false)
                .setConfig(GraphDatabaseSettings.auth_enabled, true)
                .setConfig(GraphDatabaseSettings.auth_lock_time, Duration.ZERO)
                .setConfig(GraphDatabaseSettings.pagecache_memory, 128L * 1024 * 1024)
                .setConfig(GraphDatabaseSettings.preallocate_logical_logs, false)
                .build();
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
        Config config = ((GraphDatabaseAPI) server.database("neo4j")).getDependencyResolver().resolveDependency(Config.class);
        System.out.println("ready");
        for (int told = System.in.read(); told >= 0; told = System.in.read()) {
            config.setDynamic(
                    GraphDatabaseSettings.read_only_databases, told == 'r' ? Set.of("neo4j") : Set.of(), "Launcher");
            System.out.println(told == 'r' ? "read-only" : "writable");
        }
        System.exit(0);
    }

    private static Path certificate(Path folder, Path keys) throws Exception {
        KeyStore store = KeyStore.getInstance(keys.toFile(), "changeit".toCharArray());
        Files.createDirectories(folder.resolve("trusted"));
        Files.createDirectories(folder.resolve("revoked"));
        write(folder.resolve("private.key"), "PRIVATE KEY", store.getKey("server", "changeit".toCharArray()).getEncoded());
        write(folder.resolve("public.crt"), "CERTIFICATE", store.getCertificate("server").getEncoded());
        return folder;
    }

    private static void write(Path file, String kind, byte[] content) throws Exception {
        String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
        Files.writeString(file, "-----BEGIN " + kind + "-----\n" + text + "\n-----END " + kind + "-----\n");
    }
}
