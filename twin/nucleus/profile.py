"""What the two nuclei allow, and what they lack.

Each limit names the public source it was read from; ``lite`` is aws-greengrass/aws-greengrass-lite,
``classic`` aws-greengrass/aws-greengrass-nucleus.
"""

from typing import Final, Literal

import msgspec

from twin.nucleus.registry import ACTIONS

Name = Literal["classic", "lite"]

MODELLED: Final = frozenset(
    {
        *ACTIONS,
        "AuthorizeClientDeviceAction",
        "CreateDebugPassword",
        "DeferComponentUpdate",
        "DeleteThingShadow",
        "GetClientDeviceAuthToken",
        "GetConfiguration",
        "GetSecretValue",
        "GetThingShadow",
        "ListNamedShadowsForThing",
        "PublishToIoTCore",
        "PublishToTopic",
        "PutComponentMetric",
        "SendConfigurationValidityReport",
        "SubscribeToCertificateUpdates",
        "SubscribeToComponentUpdates",
        "SubscribeToConfigurationUpdate",
        "SubscribeToIoTCore",
        "SubscribeToIoTCoreConnectionStatus",
        "SubscribeToTopic",
        "SubscribeToValidateConfigurationUpdates",
        "UpdateConfiguration",
        "UpdateState",
        "UpdateThingShadow",
        "ValidateAuthorizationToken",
        "VerifyClientDeviceIdentity",
    }
)
"""Every operation of the service's model (awsiotsdk 1.31, ``greengrasscoreipc/model.py``)."""

_LITE_OPERATIONS: Final = frozenset(
    {
        "CreateLocalDeployment",
        "GetConfiguration",
        "PublishToIoTCore",
        "PublishToTopic",
        "RestartComponent",
        "SubscribeToConfigurationUpdate",
        "SubscribeToIoTCore",
        "SubscribeToTopic",
        "UpdateConfiguration",
        "UpdateState",
        "ValidateAuthorizationToken",
    }
)
"""lite: the services of ``modules/ggipcd/src/ipc_dispatch.c``. Its main branch also has
``SubscribeToIoTCoreConnectionStatus``, no release yet."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One nucleus. ``None`` or 0 means: no such limit.

    Attributes:
        name: ``classic`` or ``lite``.
        socket_name: Of the socket in the nucleus's root folder.
        operations: What it answers at all.
        message_bytes: Of one IPC message in either direction. A larger request ends the connection, a larger answer
            becomes a ServiceError, a larger event is lost.
        clients: Connections at once; one more is closed at once.
        json_depth: Of a request's body.
        json_values: Objects in a request's body.
        policy_bytes: Of one service's policies as it decodes them; more are no policies at all.
        leaf_bytes: Of one value in the configuration, as JSON.
        publish_bytes: Payload to IoT Core must be below this.
        received_bytes: A packet from IoT Core above this is lost.
        spool_bytes: Payload that waits for IoT Core; 0 where there is no spooler.
        unacknowledged: Publishes at QoS 1 that IoT Core has not acknowledged.
        unacknowledged_bytes: Of those.
    """

    name: Name
    socket_name: str
    operations: frozenset[str]
    message_bytes: int = 0
    clients: int = 0
    json_depth: int = 0
    json_values: int = 0
    policy_bytes: int = 0
    leaf_bytes: int = 0
    publish_bytes: int = 0
    received_bytes: int = 0
    spool_bytes: int = 0
    unacknowledged: int = 0
    unacknowledged_bytes: int = 0

    @property
    def is_lite(self) -> bool:
        """Whether this is the lite nucleus: for what is not a number."""
        return self.name == "lite"


CLASSIC: Final = Profile(
    name="classic",
    socket_name="ipc.socket",  # ipc/IPCEventStreamService.java
    operations=MODELLED
    - {
        "AuthorizeClientDeviceAction",  # the client devices' component answers these four
        "GetClientDeviceAuthToken",
        "SubscribeToCertificateUpdates",
        "VerifyClientDeviceIdentity",
        "CreateDebugPassword",
        "SubscribeToIoTCoreConnectionStatus",  # in no release
    },
    publish_bytes=128 * 1024,  # mqttclient/MqttClient.java, DEFAULT_MQTT_MAX_OF_MESSAGE_SIZE_IN_BYTES
    spool_bytes=5 * 512 * 1024,  # mqttclient/spool/Spool.java, 2.5 * 1024 * 1024
)

LITE: Final = Profile(
    name="lite",
    socket_name="gg-ipc.socket",
    operations=_LITE_OPERATIONS,
    message_bytes=10_000,  # GGL_IPC_MAX_MSG_LEN; modules/ggipcd/src/ipc_server.c, client_ready
    clients=50,  # GGL_IPC_MAX_CLIENTS, same file
    json_depth=15,  # GG_MAX_OBJECT_DEPTH
    json_values=255,  # GG_MAX_OBJECT_SUBOBJECTS
    policy_bytes=4096,  # modules/ggipcd/src/ipc_authz.c, policy_mem
    leaf_bytes=1024,  # modules/ggconfigd/src/db_corebus.c, ggconfig_process_nonmap; issue 1170
    received_bytes=5_000,  # modules/iotcored/src/mqtt.c, IOTCORED_NETWORK_BUFFER_SIZE
    unacknowledged=10,  # same file, IOTCORED_MQTT_MAX_PUBLISH_RECORDS
    unacknowledged_bytes=15_000,  # same file, IOTCORED_UNACKED_PACKET_BUFFER_SIZE
)

PROFILES: Final[dict[Name, Profile]] = {"classic": CLASSIC, "lite": LITE}
